//! Notices about somebody's own account: what was added, taken away or asked for, and the link that undoes it.
//!
//! What an authenticator is called was typed by whoever added it, who may be an intruder; so no name reaches a text as it is: nothing
//! is left in it that a reader could tap, call or take for a sentence of ours. The words themselves stand in [`words`], by language.

mod words;

use super::{MAX_APP, TextError, brand_of, plain};
use types::SecretString;
use words::{Words, filled, words};

/// Names of people and devices in a notice, in characters.
const MAX_NAME: usize = 48;

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A passkey was registered; its name.
    PasskeyAdded(&'a str),
    /// An authenticator was attached; its device's name.
    AuthenticatorAdded(&'a str),
    /// An account at a provider was linked by a sign-in; what the provider is called.
    ProviderLinked(&'a str),
    /// New recovery codes were made; the old ones are void.
    RecoveryCodesMade,
    /// An access pass was made by somebody, for so many minutes.
    AccessPassMade {
        /// Who made it.
        by: &'a str,
        /// How long it serves.
        minutes: i64,
    },
    /// An administrator gave the account something to sign in with.
    Given {
        /// What.
        what: Given,
        /// What it is called; empty for nothing.
        name: &'a str,
        /// Who gave it.
        by: &'a str,
    },
    /// An administrator asks to add something to the account of somebody who has a passkey.
    AdditionAsked {
        /// Who asks.
        by: &'a str,
        /// After so many hours nobody else needs to agree.
        hours: u64,
    },
    /// Another administrator agreed.
    AdditionAllowed {
        /// Who asked.
        asked_by: &'a str,
        /// Who agreed.
        by: &'a str,
    },
    /// A recovery code was used to sign in.
    RecoveryCodeUsed,
    /// An access pass was used to sign in.
    AccessPassUsed,
    /// Something was taken away; its name.
    Removed(&'a str),
    /// An addition was undone; its name.
    Undone(&'a str),
    /// The person reported a request as not theirs.
    Reported,
    /// All sessions, and all that applications were granted, were ended.
    Revoked,
    /// The person's password was changed.
    PasswordChanged,
    /// A passkey can't be used any more, because its make was reported as unsafe; its name.
    PasskeySuspended(&'a str),
    /// A passkey can't be used any more, because there may be a copy of it; its name.
    PasskeyCopied(&'a str),
    /// That report was taken back, and the passkey can be used again; its name.
    PasskeyRestored(&'a str),
}

/// What an administrator can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// A token.
    Token,
    /// A telephone, or another number for one.
    Telephone,
    /// Bypass codes.
    BypassCodes,
    /// A password.
    Password,
    /// A link to enrol by.
    EnrolmentLink,
    /// A link to an account at a provider.
    Provider,
    /// Anything else.
    Something,
}

/// An administrator's or a key's name, fit for a notice.
fn someone(by: &str, words: &Words) -> String {
    match plain(by, MAX_APP) {
        by if by.is_empty() => words.administrator.to_owned(),
        by => by,
    }
}

impl Event<'_> {
    /// One sentence, without the full stop.
    fn sentence(self, words: &Words) -> String {
        let (mut name, mut by, mut asked, mut number, mut what) = ("", "", "", String::new(), "");
        match self {
            Self::PasskeyAdded(called)
            | Self::AuthenticatorAdded(called)
            | Self::ProviderLinked(called)
            | Self::Removed(called)
            | Self::Undone(called)
            | Self::PasskeySuspended(called)
            | Self::PasskeyCopied(called)
            | Self::PasskeyRestored(called) => name = called,
            Self::Given { what: given, name: called, by: giver } => {
                (what, name, by) = (words.gift(given), called, giver);
            }
            Self::AdditionAsked { by: asker, hours } => (by, number) = (asker, hours.to_string()),
            Self::AdditionAllowed { asked_by, by: other } => (asked, by) = (asked_by, other),
            Self::AccessPassMade { by: maker, minutes } => (by, number) = (maker, minutes.to_string()),
            Self::RecoveryCodesMade
            | Self::RecoveryCodeUsed
            | Self::AccessPassUsed
            | Self::Reported
            | Self::Revoked
            | Self::PasswordChanged => {}
        }
        let name = plain(name, MAX_NAME);
        let name = if name.is_empty() { name } else { format!(" ({name})") };
        let (by, asked) = (someone(by, words), someone(asked, words));
        let values = [("name", &*name), ("by", &*by), ("asked", &*asked), ("number", &*number), ("what", what)];
        filled(words.said(self).sentence, &values)
    }
}

/// A notice to one person.
#[derive(Clone, Copy)]
pub struct AccountNotice<'a> {
    /// The organisation's name.
    pub brand: &'a str,
    /// The language that the organisation speaks, as BCP 47 has it; one that has no words here is worded in English.
    pub language: &'a str,
    /// The user's name.
    pub username: &'a str,
    /// What has happened.
    pub event: Event<'a>,
    /// The address that it was done from; empty for unknown.
    pub ip: &'a str,
    /// The link that undoes it, for 72 hours.
    pub undo: Option<&'a str>,
}

impl AccountNotice<'_> {
    /// The text message.
    pub fn sms(&self) -> Result<SecretString, TextError> {
        let (brand, words) = (brand_of(self.brand)?, words(self.language));
        let end = match (words.advice(self.event), self.undo) {
            (Some(advice), _) => advice.to_owned(),
            (None, Some(link)) => filled(words.sms_undo, &[("link", link)]),
            (None, None) => words.sms_tell.to_owned(),
        };
        Ok(SecretString::new(format!("{brand}: {}. {end}", self.event.sentence(words))))
    }

    /// The mail's subject and text.
    pub fn mail(&self) -> Result<(String, SecretString), TextError> {
        let (brand, words) = (brand_of(self.brand)?, words(self.language));
        let sentence = self.event.sentence(words);
        let mut letters = sentence.chars();
        let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
        let account = filled(words.account, &[("user", &plain(self.username, MAX_NAME))]);
        let mut text = format!("{first}{}.\n\n{account}\n", letters.as_str());
        if !self.ip.is_empty() {
            text.push_str(&filled(words.address, &[("ip", self.ip)]));
            text.push('\n');
        }
        let subject = format!("{brand}: {}", words.said(self.event).subject);
        if let Some(advice) = words.advice(self.event) {
            text.push_str(&format!("\n{advice}\n"));
            return Ok((subject, SecretString::new(text)));
        }
        let end = match self.undo {
            Some(link) => filled(words.mail_undo, &[("link", link)]),
            None => words.mail_tell.to_owned(),
        };
        text.push_str(&format!("\n{}\n\n{end}\n", words.if_it_was));
        Ok((subject, SecretString::new(text)))
    }
}

/// The mail that asks somebody to enrol: its subject and text.
pub fn invitation(
    brand: &str,
    language: &str,
    username: &str,
    link: &str,
) -> Result<(String, SecretString), TextError> {
    let (brand, words) = (brand_of(brand)?, words(language));
    let text = filled(words.invitation.sentence, &[("user", &plain(username, MAX_NAME)), ("link", link)]);
    Ok((format!("{brand}: {}", words.invitation.subject), SecretString::new(format!("{text}\n"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notice(event: Event<'_>) -> AccountNotice<'_> {
        let undo = Some("https://login.acme.example/undo/csun_0123456789");
        AccountNotice { brand: "Acme", language: "en", username: "ana", event, ip: "192.0.2.7", undo }
    }

    #[test]
    fn a_notice_says_what_and_how_to_undo_it() {
        let added = notice(Event::PasskeyAdded("YubiKey 5"));
        assert_eq!(
            added.sms().unwrap().expose(),
            "Acme: a passkey (YubiKey 5) was added to your account. If this was not you, undo it: \
             https://login.acme.example/undo/csun_0123456789"
        );
        let (subject, text) = added.mail().unwrap();
        assert_eq!(subject, "Acme: a passkey was added");
        assert!(text.expose().starts_with("A passkey (YubiKey 5) was added to your account.\n\nAccount: ana\n"));
        assert!(text.expose().contains("192.0.2.7"));
        let pass = AccountNotice { undo: None, ..notice(Event::AccessPassMade { by: "helpdesk", minutes: 20 }) };
        assert_eq!(
            pass.sms().unwrap().expose(),
            "Acme: helpdesk made an access pass for your account, valid for 20 minutes. If this was not you, tell your administrator."
        );
    }

    #[test]
    fn what_nobody_did_is_told_with_what_to_do() {
        let gone =
            AccountNotice { undo: None, ip: "", ..notice(Event::PasskeySuspended("Blue\nkey https://x.example")) };
        assert_eq!(
            gone.sms().unwrap().expose(),
            "Acme: a passkey (Blue key https x example) can't be used any more: its make was reported as unsafe. Sign in another way \
             and add another passkey, or ask your administrator."
        );
        let (subject, text) = gone.mail().unwrap();
        assert_eq!(subject, "Acme: a passkey was suspended");
        assert!(
            text.expose()
                .ends_with("Account: ana\n\nSign in another way and add another passkey, or ask your administrator.\n")
        );
        let back = AccountNotice { event: Event::PasskeyRestored("Blue key"), ..gone };
        assert_eq!(
            back.sms().unwrap().expose(),
            "Acme: a passkey (Blue key) can be used again. There is nothing to do."
        );
    }

    #[test]
    fn an_invitation_has_one_link_whatever_the_name() {
        let (subject, text) =
            invitation("Acme", "", "ana\nhttps://evil.example/", "https://login.acme.example/a").unwrap();
        assert_eq!(subject, "Acme: set up your sign-in");
        assert_eq!(text.expose().matches("://").count(), 1);
        assert!(text.expose().contains("as ana https evil example.\n"));
    }

    #[test]
    fn a_notice_speaks_the_organisations_language() {
        let added = AccountNotice { language: "fr-CA", ..notice(Event::PasskeyAdded("YubiKey 5")) };
        assert_eq!(
            added.sms().unwrap().expose(),
            "Acme: une clé d'accès (YubiKey 5) a été ajoutée à votre compte. Si ce n'était pas vous, annulez : \
             https://login.acme.example/undo/csun_0123456789"
        );
        let (subject, text) = added.mail().unwrap();
        assert_eq!(subject, "Acme: une clé d'accès a été ajoutée");
        assert!(
            text.expose().starts_with("Une clé d'accès (YubiKey 5) a été ajoutée à votre compte.\n\nCompte : ana\n")
        );
        let given = Event::Given { what: Given::BypassCodes, name: "", by: "" };
        let given = AccountNotice { language: "fr", event: given, undo: None, ..added };
        assert!(given.sms().unwrap().expose().starts_with("Acme: un administrateur a donné à votre compte des codes"));
        let asked = invitation("Acme", "fr", "ana", "https://login.acme.example/a").unwrap();
        assert_eq!(asked.0, "Acme: préparez votre connexion");
        // Nobody has translated it: English, whole.
        let other = AccountNotice { language: "tlh", ..added };
        assert!(other.sms().unwrap().expose().starts_with("Acme: a passkey (YubiKey 5) was added"));
    }

    proptest! {
        /// The only link and the only lines are ours, whatever an intruder called his key.
        #[test]
        fn a_name_brings_no_link_and_no_line(name in "\\PC{0,80}|[ -~\\n\\r]{0,80}|https?://[a-z.]{3,20}/[a-z]{0,9}") {
            for language in words::ALL.iter().map(|words| words.language) {
                for event in [Event::PasskeyAdded(&name), Event::AccessPassMade { by: &name, minutes: 10 }, Event::Removed(&name)] {
                    let notice = AccountNotice { language, username: &name, ..notice(event) };
                    let sms = notice.sms().unwrap();
                    prop_assert_eq!(sms.expose().matches("://").count(), 1);
                    prop_assert_eq!(sms.expose().lines().count(), 1);
                    let (subject, mail) = notice.mail().unwrap();
                    prop_assert_eq!(mail.expose().matches("://").count(), 1);
                    prop_assert_eq!(mail.expose().lines().count(), 10);
                    prop_assert!(!subject.contains(['\n', '\r']));
                }
            }
        }
    }
}
