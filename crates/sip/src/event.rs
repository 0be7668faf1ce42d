//! What becomes of a call, and how it can end.

/// What happens in a call, in the order in which it happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The other telephone rings (180). Once.
    Ringing,
    /// Sound comes before the call is answered (183 with SDP): an announcement, a tone. It isn't listened to.
    EarlyMedia,
    /// Somebody, or something, has answered. What [`Call::play`](crate::Call::play) is given is heard from now on.
    Answered,
    /// A key was pressed: `0`–`9`, `*`, `#`, `A`–`D`. Once for each press, when it begins.
    Key(char),
    /// All that was to be played and all digits have been sent.
    Played,
    /// The other side has put the call on hold: nothing is sent until [`Event::Resumed`], and playing stands still.
    Held,
    /// It goes on.
    Resumed,
    /// The last event, always.
    Ended(Cause),
}

/// Why a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Cause {
    /// We hung up, or cancelled it before it was answered.
    HungUp,
    /// They hung up after having answered.
    Completed,
    /// Busy here or everywhere (486, 600).
    Busy,
    /// Declined (603), or refused for this number (403 in answer to a request that was not challenged).
    Declined,
    /// Nobody answered: 480, 408, 487 that we didn't ask for, or the time for ringing is over.
    NoAnswer,
    /// There is no such number: 404, 410, 484, 485, 604.
    NotFound,
    /// No common codec, or not the encryption that is required: 488, 606, 415, or an answer that doesn't fit our offer.
    NotAcceptable,
    /// The password is wrong or missing: 401, 407, and 403 after we answered a challenge.
    Forbidden,
    /// The trunk can't just now: 5xx, too many requests.
    Unavailable(u16),
    /// Any other refusal: 3xx, 4xx, 6xx.
    Refused(u16),
    /// The trunk gave no answer at all, or its connection broke.
    Lost,
}

impl Cause {
    /// What a final answer to an INVITE means (RFC 3261 §21). `authorized` says whether the request answered a challenge.
    #[must_use]
    pub const fn of_status(status: u16, authorized: bool) -> Self {
        match status {
            486 | 600 => Self::Busy,
            403 if authorized => Self::Forbidden,
            603 | 403 | 607 | 608 => Self::Declined,
            480 | 408 | 487 => Self::NoAnswer,
            404 | 410 | 484 | 485 | 604 => Self::NotFound,
            488 | 606 | 415 => Self::NotAcceptable,
            401 | 407 => Self::Forbidden,
            429 | 500..=599 => Self::Unavailable(status),
            _ => Self::Refused(status),
        }
    }

    /// A short word for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HungUp => "hung-up",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::NoAnswer => "no-answer",
            Self::NotFound => "not-found",
            Self::NotAcceptable => "not-acceptable",
            Self::Forbidden => "forbidden",
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
            Self::Lost => "lost",
        }
    }
}

/// Why a trunk can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting can't be so.
    #[error("{0}")]
    Config(&'static str),
    /// The server's name has no address.
    #[error("the trunk's name has no address")]
    Name(#[source] std::io::Error),
    /// The socket can't be had.
    #[error("no socket for the trunk")]
    Socket(#[source] std::io::Error),
    /// The certificates can't be read.
    #[error("the certificates for the trunk can't be used")]
    Certificates(#[source] std::io::Error),
}

/// Why a call can't be begun. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The number has a character that can't be dialled, or none.
    #[error("the number can't be dialled")]
    Number,
    /// A header has a line break, or a name that isn't one.
    #[error("a header can't be sent")]
    Header,
    /// All ports for sound are taken.
    #[error("no port is free for the call's sound")]
    Ports,
    /// There is no connection to the trunk.
    #[error("the trunk can't be reached")]
    Unreachable,
    /// The trunk was stopped.
    #[error("the trunk was stopped")]
    Stopped,
}

/// Something that isn't a key of a telephone.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("there is no such key")]
pub struct DigitsError;
