//! What a person does to their own account: sessions of their pages, and every change of what they can sign in with.
//!
//! A session shows; it never changes what somebody can sign in with. Whatever does needs a [`Permit`], and a permit comes only from
//! proof that was given for it: a fresh sign-in inside the session ([`Auth::permit`] with the grant of a step-up), a session that
//! was opened for nothing else (recovery code, access pass, second authenticator of an enrolment), or an enrolment code. The proof is
//! spent in the transaction of the change itself, so it serves once, whoever comes at the same moment.
//!
//! Every addition becomes a change that the person hears of on all their channels and can undo for 72 hours; who undoes ends all
//! sessions too.
//!
//! To add something that changes what a person can sign in with: take a `&Permit`, call `spend_permit` inside the transaction, and for
//! an addition `note_change` in the same one and `announce` after its commit.
//!
//! [`Auth::permit`]: crate::Auth::permit

mod additions;
mod authenticators;
mod changes;
mod enrolment;
mod errands;
mod four_eyes;
mod grants;
mod messages;
mod notices;
mod password;
mod recovery;
mod reports;
mod revoke;
mod sessions;
mod unused;

pub(crate) use additions::PASSKEYS_ONLY;
pub use additions::{Added, NewAuthenticator, Registration};
pub use authenticators::{Accepted, Authenticators, Held, PasskeyView, PhoneView, ProviderView, TokenView};
pub(crate) use changes::Noted;
pub use changes::{ChangeKind, ChangeView, UNDO_LIFE};
pub use enrolment::Enrolment;
pub(crate) use errands::Errands;
pub use grants::{GRANT_LIFE, Permit, STEP_UP_NEEDED};
pub use messages::Reading;
pub(crate) use notices::News;
pub use password::{HashedPassword, LEAST_PASSWORD};
pub use recovery::{AccessPass, PASS_MINUTES, RECOVERY_CODES};
pub use revoke::Revoked;
pub use sessions::{Bound, Needs, NewSession, Session, SessionView};

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    pub use super::recovery::read as read_recovery;
}

use crate::AuthError;

/// How somebody proved who they are when a session or a grant was opened, from the strongest down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Strength {
    /// A passkey.
    Passkey,
    /// The authenticator, with the digits of the page.
    Push,
    /// A token's passcode.
    Otp,
    /// A passcode by text message, or a call.
    Sms,
    /// The word of a provider that is trusted for two proofs. Opens applications, and no grant.
    Provider,
    /// A bypass code: an administrator made it, so it proves nothing of the person. Opens a session that shows, and no grant.
    Bypass,
    /// An enrolment code was spent for a first authenticator; one more may be added.
    Enrollment,
    /// A recovery code; one authenticator may be added.
    Recovery,
    /// An access pass; a passkey may be registered and nothing else.
    AccessPass,
}

impl Strength {
    const ALL: [Self; 9] = [
        Self::Passkey,
        Self::Push,
        Self::Otp,
        Self::Sms,
        Self::Provider,
        Self::Bypass,
        Self::Enrollment,
        Self::Recovery,
        Self::AccessPass,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Push => "push",
            Self::Otp => "otp",
            Self::Sms => "sms",
            Self::Provider => "provider",
            Self::Bypass => "bypass",
            Self::Enrollment => "enrollment",
            Self::Recovery => "recovery",
            Self::AccessPass => "access_pass",
        }
    }

    /// From the engine's name of a factor, as it stands in the authentication log; none for what proves nothing, such as a status that
    /// lets somebody in.
    #[must_use]
    pub fn of_factor(factor: &str) -> Option<Self> {
        match factor {
            "passkey" | "webauthn" | "WebAuthn Security Key" | "webauthn_credential" => Some(Self::Passkey),
            "duo_push" => Some(Self::Push),
            "hardware_token" | "yubikey_code" => Some(Self::Otp),
            "sms_passcode" | "phone_call" => Some(Self::Sms),
            "upstream_provider" => Some(Self::Provider),
            "bypass_code" => Some(Self::Bypass),
            "recovery" | "recovery_code" => Some(Self::Recovery),
            "access_pass" => Some(Self::AccessPass),
            _ => None,
        }
    }

    /// Whether such a session is for one purpose only, and may not look after the rest of the account.
    #[must_use]
    pub const fn is_narrow(self) -> bool {
        matches!(self, Self::Enrollment | Self::AccessPass)
    }

    /// From how it is stored.
    ///
    /// # Errors
    /// [`AuthError::Damaged`] for any other text.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(AuthError::Damaged("session"))
    }
}

/// What needs a permit. A step-up is for one of these and serves no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Action {
    /// Register a passkey.
    AddPasskey,
    /// Attach an authenticator.
    AddAuthenticator,
    /// Remove a passkey, an authenticator, a telephone or a token.
    Remove,
    /// Make new recovery codes.
    RecoveryCodes,
    /// Read the organisation's message log.
    ReadMessages,
    /// Set another password.
    Password,
}

impl Action {
    /// All, for pages that must know a word from outside.
    pub const ALL: [Self; 6] = [
        Self::AddPasskey,
        Self::AddAuthenticator,
        Self::Remove,
        Self::RecoveryCodes,
        Self::ReadMessages,
        Self::Password,
    ];

    /// The word in `Purpose::StepUp` and in the stored grant.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddPasskey => "add-passkey",
            Self::AddAuthenticator => "add-authenticator",
            Self::Remove => "remove",
            Self::RecoveryCodes => "recovery-codes",
            Self::ReadMessages => "read-messages",
            Self::Password => "password",
        }
    }
}

impl std::str::FromStr for Action {
    type Err = AuthError;

    fn from_str(text: &str) -> Result<Self, AuthError> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(AuthError::Refused("no such action"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were_written() {
        for one in Strength::ALL {
            assert_eq!(Strength::parse(one.as_str()).ok(), Some(one));
        }
        for one in Action::ALL {
            assert_eq!(one.as_str().parse::<Action>().ok(), Some(one));
        }
        assert!("remove ".parse::<Action>().is_err());
        // What lets in without proof opens no session.
        assert_eq!(Strength::of_factor("not_available"), None);
        assert_eq!(Strength::of_factor("remembered_device"), None);
    }
}
