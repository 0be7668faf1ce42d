//! A message on its way out.

use crate::{BoxFuture, ChannelKind, SendError};
use std::{fmt, net::IpAddr, str::FromStr, sync::Arc, time::Duration};
use types::{AttemptId, E164, MessageId, Millis, SecretString, TenantId, UserId};
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
    /// So long it is worth delivering: a code's life. After it nothing is sent any more. At most ten hours.
    pub valid_for: Duration,
    /// The language it is in or is to be spoken in, as BCP 47 names it: `en`, `de`, `pt-BR`.
    pub language: String,
    /// Words it anew for another carrier, where it holds a secret. Without it nothing that a carrier has seen goes to another.
    pub renewal: Option<Arc<dyn Renewal>>,
    /// What is asked beyond that.
    pub terms: Terms,
}

/// What may be asked of a message beyond what most need.
#[derive(Clone, Default)]
pub struct Terms {
    /// It is not sent before.
    pub not_before: Option<Millis>,
    /// It goes through this carrier or not at all.
    pub carrier: Option<String>,
    /// The sender that it is to show, where the carrier lets us choose.
    pub from: Option<String>,
    /// Its code is checked here, so that whether it was ever entered says something about the way it went.
    pub checked: bool,
    /// Who caused it, for the rules against fraud.
    pub source: Option<IpAddr>,
    /// Asked after all rules and limits, and before a carrier sees it.
    pub gate: Option<Arc<dyn Gate>>,
}

/// Says whether a message may go to a number, after everything else has said so: it may tell the number to somebody. A message with a gate is
/// delivered, not queued: a gate dies with its process.
pub trait Gate: Send + Sync {
    /// Whether it may. Who can't say decides by its own configuration.
    fn admits<'a>(&'a self, number: &'a E164) -> BoxFuture<'a, bool>;
}

/// Words a message anew, whose former wording a carrier has seen or may have seen: the same code never goes through two.
pub trait Renewal: Send + Sync {
    /// Another wording, to travel as `kind`. The code of the former one is worth nothing from then on, in the same transaction in
    /// which the new one begins to count. `None`: nothing is to be sent any more, or it can't travel so, and then nothing has changed.
    fn renew<'a>(&'a self, kind: ChannelKind) -> BoxFuture<'a, Option<Content>>;

    /// The former code is worth nothing any more, and nothing comes in its place: its carrier was cut off.
    fn revoke(&self) -> BoxFuture<'_, ()>;
}

impl Outgoing {
    /// How long a message is worth delivering where nobody says more.
    pub const VALID_FOR: Duration = Duration::from_secs(600);

    /// A message to nobody in particular, about nothing that waits; the fields say more.
    #[must_use]
    pub fn new(id: MessageId, tenant: TenantId, purpose: Purpose, to: Address, content: Content) -> Self {
        Self {
            id,
            tenant,
            user: None,
            txid: None,
            purpose,
            to,
            content,
            valid_for: Self::VALID_FOR,
            language: "en".to_owned(),
            renewal: None,
            terms: Terms::default(),
        }
    }

    /// How it travels; [`SendError::Mismatch`] where content and address don't go together.
    pub fn kind(&self) -> Result<ChannelKind, SendError> {
        match (&self.to, &self.content) {
            (Address::Number(..), Content::Text(_)) => Ok(ChannelKind::Sms),
            (Address::Number(..), Content::Call(_)) => Ok(ChannelKind::Voice),
            (Address::Number(..), Content::Twiml(_)) => Ok(ChannelKind::Voice),
            (Address::Number(..), Content::Code { by: by @ (ChannelKind::WhatsApp | ChannelKind::Telegram), .. }) => {
                Ok(*by)
            }
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
    /// A program of the tenant's sent it through the messaging API, for a reason of its own.
    Program,
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
            Self::Program => "program",
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
    /// A code that the carrier puts into a template of its own.
    Code {
        /// [`ChannelKind::WhatsApp`] or [`ChannelKind::Telegram`].
        by: ChannelKind,
        /// The code: digits.
        code: SecretString,
        /// Who sends it.
        brand: String,
    },
    /// A call whose words and keys are described in TwiML.
    Twiml(SecretString),
}

/// What is said in a call, and what keys are waited for.
#[derive(Default)]
pub struct CallScript {
    /// Said one after the other, then all of it once more.
    pub lines: Vec<SecretString>,
    /// The keys that approve: the digit pair that stands on the sign-in page. A call without them only speaks; there is no
    /// approval by any key, or by `1` or `#`.
    pub keys: Option<SecretString>,
    /// The key that reports a fraud.
    pub fraud_key: Option<char>,
    /// A code that is spoken digit by digit, twice, after any key was pressed: no voice mail hears it.
    pub code: Option<SecretString>,
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
