//! The words of notices, in each language that has them; what nobody has translated is said in English.
//!
//! In a template `{name}` is a name in brackets with a space before it, or nothing; `{by}`, `{asked}`, `{number}`, `{link}` … are filled in
//! once, so that nothing in a name is taken for a place. To add a language: its [`Words`] in [`ALL`].

use super::{Event, Given};

/// What is said of one event: a sentence without its full stop, and a subject, which others may see.
pub(super) struct Said {
    pub(super) sentence: &'static str,
    pub(super) subject: &'static str,
}

/// The texts of one language.
pub(super) struct Words {
    /// BCP 47, without a region.
    pub(super) language: &'static str,
    pub(super) passkey_added: Said,
    pub(super) authenticator_added: Said,
    pub(super) provider_linked: Said,
    pub(super) recovery_codes_made: Said,
    pub(super) access_pass_made: Said,
    pub(super) given: Said,
    pub(super) addition_asked: Said,
    pub(super) addition_allowed: Said,
    pub(super) recovery_code_used: Said,
    pub(super) access_pass_used: Said,
    pub(super) removed: Said,
    pub(super) undone: Said,
    pub(super) reported: Said,
    pub(super) revoked: Said,
    pub(super) password_changed: Said,
    pub(super) passkey_suspended: Said,
    pub(super) passkey_copied: Said,
    pub(super) passkey_restored: Said,
    /// What to do about what nobody did.
    pub(super) passkey_lost: &'static str,
    pub(super) nothing_to_do: &'static str,
    pub(super) sign_in_again: &'static str,
    /// Who did it, where that isn't known.
    pub(super) administrator: &'static str,
    /// What an administrator gave.
    pub(super) token: &'static str,
    pub(super) telephone: &'static str,
    pub(super) bypass_codes: &'static str,
    pub(super) password: &'static str,
    pub(super) enrolment_link: &'static str,
    pub(super) provider: &'static str,
    pub(super) something: &'static str,
    /// In a text message, behind the sentence.
    pub(super) sms_undo: &'static str,
    pub(super) sms_tell: &'static str,
    /// Lines of a mail.
    pub(super) account: &'static str,
    pub(super) address: &'static str,
    pub(super) if_it_was: &'static str,
    pub(super) mail_undo: &'static str,
    pub(super) mail_tell: &'static str,
    /// The invitation to enrol.
    pub(super) invitation: Said,
}

const ENGLISH: Words = Words {
    language: "en",
    passkey_added: Said { sentence: "a passkey{name} was added to your account", subject: "a passkey was added" },
    authenticator_added: Said {
        sentence: "an authenticator{name} was added to your account",
        subject: "an authenticator was added",
    },
    provider_linked: Said {
        sentence: "signing in by another provider{name} was added to your account",
        subject: "a way to sign in was added",
    },
    recovery_codes_made: Said {
        sentence: "new recovery codes were made for your account",
        subject: "new recovery codes were made",
    },
    access_pass_made: Said {
        sentence: "{by} made an access pass for your account, valid for {number} minutes",
        subject: "an access pass was made",
    },
    given: Said { sentence: "{by} gave your account {what}{name}", subject: "something to sign in with was added" },
    addition_asked: Said {
        sentence: "{by} asks to add something that signs in to your account. It becomes possible when another administrator agrees, or \
                   in {number} hours",
        subject: "an administrator wants to add something",
    },
    addition_allowed: Said {
        sentence: "{by} lets {asked} add something that signs in to your account",
        subject: "an administrator wants to add something",
    },
    recovery_code_used: Said {
        sentence: "a recovery code was used to sign in to your account",
        subject: "a recovery code was used",
    },
    access_pass_used: Said {
        sentence: "an access pass was used to sign in to your account",
        subject: "an access pass was used",
    },
    removed: Said {
        sentence: "something you sign in with was removed{name}",
        subject: "something you sign in with was removed",
    },
    undone: Said {
        sentence: "an addition to your account was undone{name}, and you were signed out everywhere",
        subject: "an addition was undone",
    },
    reported: Said {
        sentence: "you reported a request as not yours; no prompts are sent to you until an administrator resumes them",
        subject: "your report was received",
    },
    revoked: Said {
        sentence: "you were signed out everywhere, of all applications too",
        subject: "you were signed out everywhere",
    },
    password_changed: Said { sentence: "your password was changed", subject: "your password was changed" },
    passkey_suspended: Said {
        sentence: "a passkey{name} can't be used any more: its make was reported as unsafe",
        subject: "a passkey was suspended",
    },
    passkey_copied: Said {
        sentence: "a passkey{name} can't be used any more: somebody may have a copy of it. You were signed out everywhere",
        subject: "a passkey was suspended",
    },
    passkey_restored: Said { sentence: "a passkey{name} can be used again", subject: "a passkey can be used again" },
    passkey_lost: "Sign in another way and add another passkey, or ask your administrator.",
    nothing_to_do: "There is nothing to do.",
    sign_in_again: "Sign in again. If you don't know why, ask your administrator.",
    administrator: "an administrator",
    token: "a token",
    telephone: "a telephone or its number",
    bypass_codes: "bypass codes",
    password: "a password",
    enrolment_link: "a link to enrol by",
    provider: "an account at another provider",
    something: "something to sign in with",
    sms_undo: "If this was not you, undo it: {link}",
    sms_tell: "If this was not you, tell your administrator.",
    account: "Account: {user}",
    address: "Asked for from the address: {ip}",
    if_it_was: "If this was you, there is nothing to do.",
    mail_undo: "If it was not you, open this link and confirm. What was added is taken away, and every browser that is signed in to your \
                account is signed out. It works once, for 72 hours:\n\n{link}",
    mail_tell: "If it was not you, tell your administrator at once.",
    invitation: Said {
        sentence: "An administrator asks you to set up how you sign in as {user}.\n\nOpen this link on the device that you will sign in \
                   with. It works once, and only for you:\n\n{link}\n\nIf you did not expect this, ask your administrator before you open \
                   it.",
        subject: "set up your sign-in",
    },
};

const FRENCH: Words = Words {
    language: "fr",
    passkey_added: Said {
        sentence: "une clé d'accès{name} a été ajoutée à votre compte",
        subject: "une clé d'accès a été ajoutée",
    },
    authenticator_added: Said {
        sentence: "un authentificateur{name} a été ajouté à votre compte",
        subject: "un authentificateur a été ajouté",
    },
    provider_linked: Said {
        sentence: "la connexion par un autre fournisseur{name} a été ajoutée à votre compte",
        subject: "un moyen de connexion a été ajouté",
    },
    recovery_codes_made: Said {
        sentence: "de nouveaux codes de secours ont été créés pour votre compte",
        subject: "de nouveaux codes de secours ont été créés",
    },
    access_pass_made: Said {
        sentence: "{by} a créé un laissez-passer pour votre compte, valable {number} minutes",
        subject: "un laissez-passer a été créé",
    },
    given: Said {
        sentence: "{by} a donné à votre compte {what}{name}", subject: "un moyen de connexion a été ajouté"
    },
    addition_asked: Said {
        sentence: "{by} demande à ajouter un moyen de se connecter à votre compte. Cela deviendra possible quand un autre administrateur \
                   aura donné son accord, ou dans {number} heures",
        subject: "un administrateur veut ajouter quelque chose",
    },
    addition_allowed: Said {
        sentence: "{by} permet à {asked} d'ajouter un moyen de se connecter à votre compte",
        subject: "un administrateur veut ajouter quelque chose",
    },
    recovery_code_used: Said {
        sentence: "un code de secours a servi à se connecter à votre compte",
        subject: "un code de secours a été utilisé",
    },
    access_pass_used: Said {
        sentence: "un laissez-passer a servi à se connecter à votre compte",
        subject: "un laissez-passer a été utilisé",
    },
    removed: Said {
        sentence: "un de vos moyens de connexion a été retiré{name}",
        subject: "un de vos moyens de connexion a été retiré",
    },
    undone: Said {
        sentence: "un ajout à votre compte a été annulé{name}, et vous avez été déconnecté partout",
        subject: "un ajout a été annulé",
    },
    reported: Said {
        sentence: "vous avez signalé une demande qui ne venait pas de vous ; aucune demande ne vous sera envoyée avant qu'un \
                   administrateur ne les rétablisse",
        subject: "votre signalement a été reçu",
    },
    revoked: Said {
        sentence: "vous avez été déconnecté partout, de toutes les applications aussi",
        subject: "vous avez été déconnecté partout",
    },
    password_changed: Said {
        sentence: "votre mot de passe a été changé", subject: "votre mot de passe a été changé"
    },
    passkey_suspended: Said {
        sentence: "une clé d'accès{name} ne peut plus être utilisée : son modèle a été signalé comme peu sûr",
        subject: "une clé d'accès a été suspendue",
    },
    passkey_copied: Said {
        sentence: "une clé d'accès{name} ne peut plus être utilisée : quelqu'un en a peut-être une copie. Vous avez été déconnecté partout",
        subject: "une clé d'accès a été suspendue",
    },
    passkey_restored: Said {
        sentence: "une clé d'accès{name} peut de nouveau être utilisée",
        subject: "une clé d'accès peut de nouveau être utilisée",
    },
    passkey_lost: "Connectez-vous autrement et ajoutez une autre clé d'accès, ou adressez-vous à votre administrateur.",
    nothing_to_do: "Il n'y a rien à faire.",
    sign_in_again: "Connectez-vous à nouveau. Si vous ne savez pas pourquoi, adressez-vous à votre administrateur.",
    administrator: "un administrateur",
    token: "un jeton",
    telephone: "un téléphone ou son numéro",
    bypass_codes: "des codes de contournement",
    password: "un mot de passe",
    enrolment_link: "un lien d'inscription",
    provider: "un compte chez un autre fournisseur",
    something: "un moyen de se connecter",
    sms_undo: "Si ce n'était pas vous, annulez : {link}",
    sms_tell: "Si ce n'était pas vous, prévenez votre administrateur.",
    account: "Compte : {user}",
    address: "Demandé depuis l'adresse : {ip}",
    if_it_was: "Si c'était vous, il n'y a rien à faire.",
    mail_undo: "Si ce n'était pas vous, ouvrez ce lien et confirmez. Ce qui a été ajouté sera retiré, et tous les navigateurs connectés à \
                votre compte seront déconnectés. Il sert une fois, pendant 72 heures :\n\n{link}",
    mail_tell: "Si ce n'était pas vous, prévenez tout de suite votre administrateur.",
    invitation: Said {
        sentence: "Un administrateur vous demande de préparer votre connexion en tant que {user}.\n\nOuvrez ce lien sur l'appareil avec \
                   lequel vous vous connecterez. Il sert une fois, et à vous seul :\n\n{link}\n\nSi vous ne vous y attendiez pas, \
                   adressez-vous à votre administrateur avant de l'ouvrir.",
        subject: "préparez votre connexion",
    },
};

/// All of them.
pub(super) const ALL: &[Words] = &[ENGLISH, FRENCH];

/// Those of a language, or English.
pub(super) fn words(language: &str) -> &'static Words {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    ALL.iter().find(|words| words.language.eq_ignore_ascii_case(primary)).unwrap_or(&ENGLISH)
}

impl Words {
    /// What is said of an event.
    pub(super) const fn said(&self, event: Event<'_>) -> &Said {
        match event {
            Event::PasskeyAdded(_) => &self.passkey_added,
            Event::AuthenticatorAdded(_) => &self.authenticator_added,
            Event::ProviderLinked(_) => &self.provider_linked,
            Event::RecoveryCodesMade => &self.recovery_codes_made,
            Event::AccessPassMade { .. } => &self.access_pass_made,
            Event::Given { .. } => &self.given,
            Event::AdditionAsked { .. } => &self.addition_asked,
            Event::AdditionAllowed { .. } => &self.addition_allowed,
            Event::RecoveryCodeUsed => &self.recovery_code_used,
            Event::AccessPassUsed => &self.access_pass_used,
            Event::Removed(_) => &self.removed,
            Event::Undone(_) => &self.undone,
            Event::Reported => &self.reported,
            Event::Revoked => &self.revoked,
            Event::PasswordChanged => &self.password_changed,
            Event::PasskeySuspended(_) => &self.passkey_suspended,
            Event::PasskeyCopied(_) => &self.passkey_copied,
            Event::PasskeyRestored(_) => &self.passkey_restored,
        }
    }

    /// What to do about what nobody did by themselves; none: somebody did it, and it may not have been the account's owner.
    pub(super) const fn advice(&self, event: Event<'_>) -> Option<&'static str> {
        match event {
            Event::PasskeySuspended(_) | Event::PasskeyCopied(_) => Some(self.passkey_lost),
            Event::PasskeyRestored(_) => Some(self.nothing_to_do),
            Event::Revoked => Some(self.sign_in_again),
            _ => None,
        }
    }

    pub(super) const fn gift(&self, given: Given) -> &'static str {
        match given {
            Given::Token => self.token,
            Given::Telephone => self.telephone,
            Given::BypassCodes => self.bypass_codes,
            Given::Password => self.password,
            Given::EnrolmentLink => self.enrolment_link,
            Given::Provider => self.provider,
            Given::Something => self.something,
        }
    }
}

/// A template with its places filled, in one pass.
pub(super) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        out.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of a template, in order.
    fn places(text: &str) -> Vec<&str> {
        let mut found: Vec<_> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(at, _)| at).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_language_fills_in_the_same() {
        let texts = |words: &Words| {
            let mut all =
                vec![words.sms_undo, words.mail_undo, words.account, words.address, words.invitation.sentence];
            let events = [
                Event::PasskeyAdded(""),
                Event::AuthenticatorAdded(""),
                Event::RecoveryCodesMade,
                Event::AccessPassMade { by: "", minutes: 1 },
                Event::Given { what: Given::Token, name: "", by: "" },
                Event::AdditionAsked { by: "", hours: 1 },
                Event::AdditionAllowed { asked_by: "", by: "" },
                Event::RecoveryCodeUsed,
                Event::AccessPassUsed,
                Event::ProviderLinked(""),
                Event::Removed(""),
                Event::Undone(""),
                Event::Reported,
                Event::Revoked,
                Event::PasswordChanged,
                Event::PasskeySuspended(""),
                Event::PasskeyCopied(""),
                Event::PasskeyRestored(""),
            ];
            all.extend(events.map(|event| words.said(event).sentence));
            all.into_iter().map(places).collect::<Vec<_>>()
        };
        for language in ALL {
            assert_eq!(texts(language), texts(&ENGLISH), "{}", language.language);
            assert!(places(language.given.subject).is_empty());
        }
        assert_eq!(words("fr-CA").language, "fr");
        assert_eq!(words("xx").language, "en");
    }

    #[test]
    fn nothing_in_a_value_is_a_place() {
        assert_eq!(filled("a {x} b {y}", &[("x", "{y}"), ("y", "2")]), "a {y} b 2");
        assert_eq!(filled("a {none} b {", &[]), "a  b ");
    }
}
