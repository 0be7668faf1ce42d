//! How a message stands: what may be told of it to whoever sent it.

use crate::{ChannelKind, Delivery};
use store::MessageRow;
use types::{MessageId, TenantId};

/// How far a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It waits for its time.
    Scheduled,
    /// It waits for a carrier, or a carrier has it and has said nothing clear.
    Queued,
    /// A carrier has taken it.
    Sent,
    /// The person's telephone has it; for a call: it was answered.
    Delivered,
    /// The carrier gave up.
    Undelivered,
    /// It was not sent, and will not be.
    Failed,
    /// It was taken back while it waited.
    Canceled,
}

impl State {
    /// As it stands in the message log: its name in small letters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The state of that name; [`State::Failed`] for a name that nobody writes.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let all = [Self::Scheduled, Self::Queued, Self::Sent, Self::Delivered, Self::Undelivered, Self::Canceled];
        all.into_iter().find(|state| state.as_str() == name).unwrap_or(Self::Failed)
    }

    /// Whether nothing more can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled)
    }
}

impl From<Delivery> for State {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Queued => Self::Queued,
            Delivery::Sent => Self::Sent,
            Delivery::Delivered => Self::Delivered,
            Delivery::Undelivered => Self::Undelivered,
            Delivery::Failed => Self::Failed,
        }
    }
}

/// How a message stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// How far it is.
    pub state: State,
    /// How it travels.
    pub kind: ChannelKind,
    /// What went wrong, in a word of [`ErrorClass`](crate::ErrorClass); empty for nothing.
    pub error_class: String,
    /// The carrier that has it, had it last or is to have it.
    pub carrier: String,
    /// How many SMS it became, at most 10; 1 before that is known.
    pub segments: u32,
}

impl Standing {
    pub(crate) fn of(row: &MessageRow) -> Self {
        let segments = match row.billing_class.strip_prefix("sms-") {
            Some("10+") => 10,
            Some(number) => number.parse().unwrap_or(1),
            None => 1,
        };
        Self {
            state: State::of(&row.state),
            kind: ChannelKind::of(&row.channel).unwrap_or(ChannelKind::Sms),
            error_class: row.error_class.clone(),
            carrier: row.supplier.clone(),
            segments,
        }
    }
}

/// A message that moved on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Whose.
    pub tenant: TenantId,
    /// Which, as it stands in the log ([`day_id`](crate::log::day_id)).
    pub message: MessageId,
    /// How it stands now.
    pub standing: Standing,
}
