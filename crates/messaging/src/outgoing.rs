//! A message on its way out.

use crate::{ChannelKind, SendError};
use std::{fmt, str::FromStr};
use types::{AttemptId, E164, MessageId, SecretString, TenantId, UserId};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A message on its way out.
pub struct Outgoing {
    /// Its id. The log keeps it without the time of day ([`crate::log::day_id`]).
    pub id: MessageId,
    /// Who sends it.
    pub tenant: TenantId,
    /// To whom, if it is somebody that the tenant knows.
    pub user: Option<UserId>,
    /// The attempt it belongs to: a call's keys come back under it.
    pub txid: Option<AttemptId>,
    /// Why.
    pub purpose: Purpose,
    /// Where to.
    pub to: Address,
    /// What.
    pub content: Content,
}

impl Outgoing {
    /// How it travels; [`SendError::Mismatch`] where content and address don't go together.
    pub fn kind(&self) -> Result<ChannelKind, SendError> {
        match (&self.to, &self.content) {
            (Address::Number(..), Content::Text(_)) => Ok(ChannelKind::Sms),
            (Address::Number(..), Content::Call(_)) => Ok(ChannelKind::Voice),
            (Address::Mail(_), Content::Mail { .. }) => Ok(ChannelKind::Email),
            _ => Err(SendError::Mismatch),
        }
    }
}

/// Why a message is sent, as Duo's telephony log names it (`context`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A login.
    Authentication,
    /// A person registers a device.
    Enrollment,
    /// A number is proved to be its owner's.
    Verify,
    /// An administrator signs in.
    AdministratorLogin,
    /// Something the person should know.
    Notice,
}

impl Purpose {
    /// As it stands in the message log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Enrollment => "enrollment",
            Self::Verify => "verify",
            Self::AdministratorLogin => "administrator login",
            Self::Notice => "notice",
        }
    }
}

/// Where a message goes.
#[derive(Clone)]
pub enum Address {
    /// A telephone number, and the digits to dial after a call to it is answered (empty for none).
    Number(E164, String),
    /// A mailbox.
    Mail(EmailAddress),
}

/// What a message says.
pub enum Content {
    /// A text message.
    Text(SecretString),
    /// A call.
    Call(CallScript),
    /// A mail, in plain text.
    Mail {
        /// One line, which others may see: no code belongs here.
        subject: String,
        /// The text; lines end with `\n`.
        text: SecretString,
    },
}

/// What is said in a call, and what keys are waited for.
pub struct CallScript {
    /// Said one after the other, then all of it once more.
    pub lines: Vec<SecretString>,
    /// The keys that approve: the digit pair that stands on the sign-in page. A call without them only speaks; there is no
    /// approval by any key, or by `1` or `#`.
    pub keys: Option<SecretString>,
    /// The key that reports a fraud.
    pub fraud_key: Option<char>,
}

/// A mail address that can stand in a header and in an SMTP command as it is.
///
/// It identifies a person, so it has no `Display`, and `Debug` shows only that there is one.
#[derive(Clone, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub struct EmailAddress(String);

/// Why a text is not a mail address. It never repeats the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("not a mail address")]
pub struct InvalidEmail;

impl EmailAddress {
    /// The longest accepted, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
    pub const MAX_BYTES: usize = 254;

    /// The address. Named so that each use can be found and asked why.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    /// Takes a dot-atom or UTF-8 local part and a domain name. Quoted local parts and address literals are refused: no
    /// directory has them, and parsers differ on them.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.len() > Self::MAX_BYTES || text.contains(['"', '[', ']', '<', '>', '(', ')', ',', ';', ':', '\\']) {
            return Err(InvalidEmail);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        if local.contains('@') || !domain.contains('.') {
            return Err(InvalidEmail);
        }
        text.parse::<lettre::Address>().map_err(|_| InvalidEmail)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}
