//! Why a message isn't taken. What is found before it is known to whom an answer may go becomes a page; what is found after it becomes a
//! status in a response.

use http::StatusCode;
use std::time::Duration;

/// Why nothing is answered to an application. The words are fixed and stand in logs, in metrics and on the page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No tenant has the host by which the browser came.
    #[error("unknown_host")]
    UnknownHost,
    /// No message, one that comes twice, or two.
    #[error("no_message")]
    NoMessage,
    /// Neither base64 nor packed as it should be.
    #[error("encoding")]
    Encoding,
    /// Beyond a limit.
    #[error("too_large")]
    TooLarge,
    /// Not the XML of a message; what of it is wrong.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Nobody with this name is registered here.
    #[error("unknown_party")]
    UnknownParty,
    /// A signature that isn't right, isn't one, or is made by an algorithm that isn't taken.
    #[error("signature")]
    Signature,
    /// No signature, where one is wanted.
    #[error("unsigned")]
    Unsigned,
    /// Meant for somebody else.
    #[error("destination")]
    Destination,
    /// Too old, or from the future.
    #[error("expired")]
    Expired,
    /// Answered before.
    #[error("replayed")]
    Replayed,
    /// An address that isn't registered for the application.
    #[error("acs")]
    Acs,
    /// The RelayState is too long, or isn't text.
    #[error("relay_state")]
    RelayState,
    /// The application can't be started from here.
    #[error("not_allowed")]
    NotAllowed,
    /// An answer that nobody waits for, or another browser's.
    #[error("nobody_asked")]
    NobodyAsked,
    /// Not now.
    #[error("limited")]
    Limited(Duration),
    /// Our fault.
    #[error("ours")]
    Ours,
}

impl Refused {
    /// The word for logs, metrics and the page.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::NoMessage => "no_message",
            Self::Encoding => "encoding",
            Self::TooLarge => "too_large",
            Self::Malformed(what) => what,
            Self::UnknownParty => "unknown_party",
            Self::Signature => "signature",
            Self::Unsigned => "unsigned",
            Self::Destination => "destination",
            Self::Expired => "expired",
            Self::Replayed => "replayed",
            Self::Acs => "acs",
            Self::RelayState => "relay_state",
            Self::NotAllowed => "not_allowed",
            Self::NobodyAsked => "nobody_asked",
            Self::Limited(_) => "limited",
            Self::Ours => "ours",
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::UnknownHost => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotAllowed | Self::NobodyAsked => StatusCode::FORBIDDEN,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Ours => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
