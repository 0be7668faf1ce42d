//! What goes to a supplier, and what comes back.

use http::HeaderMap;
use serde::Deserialize;
use std::time::Duration;
use types::{E164, SecretString};

/// What a supplier carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text messages.
    Sms,
    /// Codes, by an authentication template of WhatsApp.
    WhatsApp,
    /// Codes, by Telegram's gateway.
    Telegram,
}

/// A message to one person.
pub struct Letter {
    /// Where to.
    pub to: E164,
    /// What.
    pub content: Content,
    /// The sender, where it is another than the configured one.
    pub from: Option<String>,
    /// Where receipts go; `None` for none.
    pub callback: Option<String>,
    /// After this time the supplier is to give up: the life of a code.
    pub validity: Duration,
    /// BCP 47, `en` or `pt-BR`.
    pub language: String,
}

/// What a message says.
pub enum Content {
    /// A text.
    Text(SecretString),
    /// A code; the supplier's own template words it.
    Code {
        /// Digits or letters.
        code: SecretString,
        /// Who sends it.
        brand: String,
    },
}

/// What a supplier said when it took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The supplier's id of the message; empty where it gives none.
    pub id: String,
    /// How many SMS it became; 1 where it doesn't say.
    pub segments: u32,
}

/// What went wrong, in a few classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Nothing.
    None,
    /// No such number, or it can't take this kind of message.
    BadAddress,
    /// Switched off or out of reach.
    Unreachable,
    /// The carrier or the supplier filtered it.
    Blocked,
    /// The account may not send to this country.
    Region,
    /// The person has asked for no more messages.
    OptedOut,
    /// Too fast for the supplier.
    Throttled,
    /// The supplier's account or configuration is at fault.
    Account,
    /// The supplier failed.
    Supplier,
    /// Its validity had ended.
    Expired,
    /// Something else.
    Other,
}

/// Why a supplier took nothing. No text holds a number, a credential or a word of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Certainly nothing was handed over: no connection.
    #[error("the supplier can't be reached")]
    Down,
    /// It took nothing and asks for patience.
    #[error("the supplier asks to wait {} s", .0.as_secs())]
    Throttled(Duration),
    /// It saw the message and refused it.
    #[error("the supplier refused the message ({0:?})")]
    Refused(Class),
    /// No clear answer: the message may or may not arrive.
    #[error("the supplier gave no clear answer")]
    Unknown,
    /// This supplier can't carry such a content; nothing was shown to it.
    #[error("the supplier can't carry this content")]
    Unfit,
}

/// How far a message came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// The supplier has it.
    Queued,
    /// The carrier has it.
    Sent,
    /// The person's telephone has it.
    Delivered,
    /// The carrier gave up.
    Undelivered,
    /// The supplier gave up.
    Failed,
}

impl Progress {
    /// Whether nothing more can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Failed)
    }
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The supplier's id of the message; empty where receipts have none.
    pub id: String,
    /// How far it came.
    pub progress: Progress,
    /// What went wrong.
    pub class: Class,
    /// The supplier's words for state and error, fit to be kept: no number, no text, at most 100 bytes.
    pub raw: String,
}

/// A text that somebody sent to one of our numbers.
pub struct Inbound {
    /// Who.
    pub from: E164,
    /// To which number or sender.
    pub to: String,
    /// What.
    pub text: SecretString,
}

/// What a callback said.
#[derive(Default)]
pub struct Heard {
    /// Receipts, in the order in which they stood there.
    pub statuses: Vec<Status>,
    /// Messages to us.
    pub inbound: Vec<Inbound>,
    /// Whether the supplier signed it. What isn't signed needs another proof: a ticket in its address.
    pub signed: bool,
}

/// A request of a supplier to us.
pub struct Callback<'a> {
    /// The address as the supplier knows it: scheme, public host, path, query.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body; empty for GET.
    pub body: &'a [u8],
}

/// Why a callback is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejected {
    /// The supplier signs, and this isn't signed, or wrongly, or long ago.
    #[error("the callback's signature is missing or wrong")]
    Forbidden,
    /// It can't be read.
    #[error("the callback can't be read")]
    Malformed,
}
