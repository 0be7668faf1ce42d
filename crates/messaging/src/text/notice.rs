//! Notices about somebody's own account: what was added, taken away or asked for, and the link that undoes it.
//!
//! What an authenticator is called was typed by whoever added it, who may be an intruder; so no name reaches a text as it is: nothing
//! is left in it that a reader could tap, call or take for a sentence of ours.

use super::{MAX_APP, TextError, brand_of, plain};
use types::SecretString;

/// Names of people and devices in a notice, in characters.
const MAX_NAME: usize = 48;

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A passkey was registered; its name.
    PasskeyAdded(&'a str),
    /// An authenticator was attached; its device's name.
    AuthenticatorAdded(&'a str),
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
        /// What, in words.
        what: &'a str,
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

/// An administrator's or a key's name, fit for a notice.
fn someone(by: &str) -> String {
    match plain(by, MAX_APP) {
        by if by.is_empty() => "an administrator".to_owned(),
        by => by,
    }
}

impl Event<'_> {
    /// One sentence, without the full stop.
    fn sentence(self) -> String {
        let called = |name: &str| {
            let name = plain(name, MAX_NAME);
            if name.is_empty() { name } else { format!(" ({name})") }
        };
        match self {
            Self::PasskeyAdded(name) => format!("a passkey{} was added to your account", called(name)),
            Self::AuthenticatorAdded(name) => format!("an authenticator{} was added to your account", called(name)),
            Self::RecoveryCodesMade => "new recovery codes were made for your account".to_owned(),
            Self::Given { what, name, by } => format!("{} gave your account {what}{}", someone(by), called(name)),
            Self::AdditionAsked { by, hours } => format!(
                "{} asks to add something that signs in to your account. It becomes possible when another administrator agrees, or in \
                 {hours} hours",
                someone(by)
            ),
            Self::AdditionAllowed { asked_by, by } => {
                format!("{} lets {} add something that signs in to your account", someone(by), someone(asked_by))
            }
            Self::AccessPassMade { by, minutes } => {
                let by = someone(by);
                format!("{by} made an access pass for your account, valid for {minutes} minutes")
            }
            Self::RecoveryCodeUsed => "a recovery code was used to sign in to your account".to_owned(),
            Self::AccessPassUsed => "an access pass was used to sign in to your account".to_owned(),
            Self::Removed(name) => format!("something you sign in with was removed{}", called(name)),
            Self::Undone(name) => {
                format!("an addition to your account was undone{}, and you were signed out everywhere", called(name))
            }
            Self::Reported => {
                "you reported a request as not yours; no prompts are sent to you until an administrator resumes them"
                    .to_owned()
            }
            Self::Revoked => "you were signed out everywhere, of all applications too".to_owned(),
            Self::PasswordChanged => "your password was changed".to_owned(),
            Self::PasskeySuspended(name) => {
                format!("a passkey{} can't be used any more: its make was reported as unsafe", called(name))
            }
            Self::PasskeyCopied(name) => format!(
                "a passkey{} can't be used any more: somebody may have a copy of it. You were signed out everywhere",
                called(name)
            ),
            Self::PasskeyRestored(name) => format!("a passkey{} can be used again", called(name)),
        }
    }

    /// What to do about what nobody did by themselves; `None`: somebody did it, and it may not have been the account's owner.
    const fn advice(self) -> Option<&'static str> {
        match self {
            Self::PasskeySuspended(_) | Self::PasskeyCopied(_) => {
                Some("Sign in another way and add another passkey, or ask your administrator.")
            }
            Self::PasskeyRestored(_) => Some("There is nothing to do."),
            Self::Revoked => Some("Sign in again. If you don't know why, ask your administrator."),
            _ => None,
        }
    }

    /// The subject, which others may see.
    const fn subject(self) -> &'static str {
        match self {
            Self::PasskeyAdded(_) => "a passkey was added",
            Self::AuthenticatorAdded(_) => "an authenticator was added",
            Self::RecoveryCodesMade => "new recovery codes were made",
            Self::AccessPassMade { .. } => "an access pass was made",
            Self::Given { .. } => "something to sign in with was added",
            Self::AdditionAsked { .. } | Self::AdditionAllowed { .. } => "an administrator wants to add something",
            Self::RecoveryCodeUsed => "a recovery code was used",
            Self::AccessPassUsed => "an access pass was used",
            Self::Removed(_) => "something you sign in with was removed",
            Self::Undone(_) => "an addition was undone",
            Self::Reported => "your report was received",
            Self::Revoked => "you were signed out everywhere",
            Self::PasswordChanged => "your password was changed",
            Self::PasskeySuspended(_) | Self::PasskeyCopied(_) => "a passkey was suspended",
            Self::PasskeyRestored(_) => "a passkey can be used again",
        }
    }
}

/// A notice to one person.
#[derive(Clone, Copy)]
pub struct AccountNotice<'a> {
    /// The organisation's name.
    pub brand: &'a str,
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
        let brand = brand_of(self.brand)?;
        let sentence = self.event.sentence();
        if let Some(advice) = self.event.advice() {
            return Ok(SecretString::new(format!("{brand}: {sentence}. {advice}")));
        }
        Ok(SecretString::new(match self.undo {
            Some(link) => format!("{brand}: {sentence}. If this was not you, undo it: {link}"),
            None => format!("{brand}: {sentence}. If this was not you, tell your administrator."),
        }))
    }

    /// The mail's subject and text.
    pub fn mail(&self) -> Result<(String, SecretString), TextError> {
        let brand = brand_of(self.brand)?;
        let mut sentence = self.event.sentence();
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut text = format!("{sentence}.\n\nAccount: {}\n", plain(self.username, MAX_NAME));
        if !self.ip.is_empty() {
            text.push_str(&format!("Asked for from the address: {}\n", self.ip));
        }
        let subject = format!("{brand}: {}", self.event.subject());
        if let Some(advice) = self.event.advice() {
            text.push_str(&format!("\n{advice}\n"));
            return Ok((subject, SecretString::new(text)));
        }
        text.push_str("\nIf this was you, there is nothing to do.\n\n");
        match self.undo {
            Some(link) => text.push_str(&format!(
                "If it was not you, open this link and confirm. What was added is taken away, and every browser that is signed in to \
                 your account is signed out. It works once, for 72 hours:\n\n{link}\n"
            )),
            None => text.push_str("If it was not you, tell your administrator at once.\n"),
        }
        Ok((subject, SecretString::new(text)))
    }
}

/// The mail that asks somebody to enrol: its subject and text.
pub fn invitation(brand: &str, username: &str, link: &str) -> Result<(String, SecretString), TextError> {
    let brand = brand_of(brand)?;
    let text = format!(
        "An administrator asks you to set up how you sign in as {}.\n\nOpen this link on the device that you will sign in with. It \
         works once, and only for you:\n\n{link}\n\nIf you did not expect this, ask your administrator before you open it.\n",
        plain(username, MAX_NAME)
    );
    Ok((format!("{brand}: set up your sign-in"), SecretString::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notice(event: Event<'_>) -> AccountNotice<'_> {
        let undo = Some("https://login.acme.example/undo/csun_0123456789");
        AccountNotice { brand: "Acme", username: "ana", event, ip: "192.0.2.7", undo }
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
        let (subject, text) = invitation("Acme", "ana\nhttps://evil.example/", "https://login.acme.example/a").unwrap();
        assert_eq!(subject, "Acme: set up your sign-in");
        assert_eq!(text.expose().matches("://").count(), 1);
        assert!(text.expose().contains("as ana https evil example.\n"));
    }

    proptest! {
        /// The only link and the only lines are ours, whatever an intruder called his key.
        #[test]
        fn a_name_brings_no_link_and_no_line(name in "\\PC{0,80}|[ -~\\n\\r]{0,80}|https?://[a-z.]{3,20}/[a-z]{0,9}") {
            for event in [Event::PasskeyAdded(&name), Event::AccessPassMade { by: &name, minutes: 10 }, Event::Removed(&name)] {
                let sms = notice(event).sms().unwrap();
                prop_assert_eq!(sms.expose().matches("://").count(), 1);
                prop_assert_eq!(sms.expose().lines().count(), 1);
                let (subject, mail) = AccountNotice { username: &name, ..notice(event) }.mail().unwrap();
                prop_assert_eq!(mail.expose().matches("://").count(), 1);
                prop_assert_eq!(mail.expose().lines().count(), 10);
                prop_assert!(!subject.contains(['\n', '\r']));
            }
        }
    }
}
