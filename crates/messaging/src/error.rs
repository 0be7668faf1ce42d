//! Why a message was not sent. No text holds a number, an address or a word of the message.

use crate::ChannelKind;
use std::time::Duration;
use store::StoreError;

/// What went wrong, in the few classes that the message log keeps in clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
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
    /// The supplier could not be reached, or gave no clear answer.
    Supplier,
    /// Too late: its validity had ended.
    Expired,
    /// A receipt should have come, and didn't.
    NoReceipt,
    /// The carrier was cut off while it had the message.
    Cut,
    /// The process that held it is gone, and nobody else could read it.
    Lost,
    /// A rule against fraud, by its name with `fraud-` before it.
    Fraud(&'static str),
    /// Something else.
    Other,
}

impl ErrorClass {
    /// As it stands in the message log; empty for [`ErrorClass::None`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::BadAddress => "bad-address",
            Self::Unreachable => "unreachable",
            Self::Blocked => "blocked",
            Self::Region => "region",
            Self::OptedOut => "opted-out",
            Self::Throttled => "throttled",
            Self::Account => "account",
            Self::Supplier => "supplier",
            Self::Expired => "expired",
            Self::NoReceipt => "no-receipt",
            Self::Cut => "cut",
            Self::Lost => "lost",
            Self::Fraud(rule) => rule,
            Self::Other => "other",
        }
    }
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No channel carries this kind.
    #[error("no channel for {} is configured", .0.as_str())]
    NoChannel(ChannelKind),
    /// The content doesn't go to such an address: a mail to a number, for instance.
    #[error("this content can't go to this kind of address")]
    Mismatch,
    /// Over a limit of this house: HTTP 429 with `Retry-After` for whoever asked.
    #[error("too many messages; try again in {} s", .retry_after.as_secs())]
    Limited {
        /// After this time it may be tried again.
        retry_after: Duration,
    },
    /// The tenant sends nothing to this country, or nobody does.
    #[error("messages to this country are not allowed")]
    CountryRefused,
    /// The same message was handed in before.
    #[error("this message was handed over before")]
    Repeated,
    /// The tenant doesn't exist, or its settings can't be read: nothing is sent on a guess.
    #[error("the tenant's message settings are missing or malformed")]
    Settings,
    /// The supplier asks for patience.
    #[error("the supplier asks to wait {} s", .retry_after.as_secs())]
    Throttled {
        /// After this time it may be tried again.
        retry_after: Duration,
    },
    /// The supplier refused the message for good.
    #[error("the supplier refused the message ({})", .0.as_str())]
    Refused(ErrorClass),
    /// The supplier could not be reached or gave no clear answer: the message may or may not arrive.
    #[error("the supplier gave no clear answer")]
    Unavailable,
    /// The supplier certainly hasn't seen the message: no bind, a refused connection. It may go elsewhere as it is.
    #[error("the supplier can't be reached")]
    Down,
    /// It was worth nothing any more before anybody had taken it.
    #[error("the message was too old before it could be sent")]
    Expired,
    /// Its carrier was cut off, and there is no other way.
    #[error("the carrier was cut off")]
    Cut,
    /// A rule against fraud. Whoever caused the message is told no more than that it was not sent.
    #[error("the message was not sent")]
    Fraud {
        /// The rule, as it stands in the log: `fraud-…`.
        rule: &'static str,
        /// After this time it may be tried again, where that makes sense.
        retry_after: Option<Duration>,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SendError {
    /// After what time another try makes sense, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after } | Self::Throttled { retry_after } => Some(*retry_after),
            Self::Fraud { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// As the message log counts it.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(class) => *class,
            Self::Throttled { .. } => ErrorClass::Throttled,
            Self::CountryRefused => ErrorClass::Region,
            Self::Unavailable | Self::Down => ErrorClass::Supplier,
            Self::Expired => ErrorClass::Expired,
            Self::Cut => ErrorClass::Cut,
            Self::Fraud { rule, .. } => ErrorClass::Fraud(rule),
            Self::NoChannel(_) | Self::Settings => ErrorClass::Account,
            Self::Mismatch | Self::Limited { .. } | Self::Repeated | Self::Store(_) => ErrorClass::Other,
        }
    }
}
