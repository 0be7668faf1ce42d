//! What the courier asks of a way out of the house.

use crate::{Links, Outgoing, SendError, hooks::Receiver};
use std::{future::Future, pin::Pin, time::Duration};

/// A future in a box: channels are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a message reaches a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum ChannelKind {
    /// A text message.
    Sms,
    /// A telephone call.
    Voice,
    /// Electronic mail.
    Email,
    /// A code in a WhatsApp authentication template.
    WhatsApp,
    /// A code from Telegram's own gateway.
    Telegram,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sms, Self::Voice, Self::Email, Self::WhatsApp, Self::Telegram];

    /// As it stands in the message log: `sms`, `voice`, `email`, `whatsapp`, `telegram`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::WhatsApp => "whatsapp",
            Self::Telegram => "telegram",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a supplier said when it took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The supplier's id of the message; empty where it gives none.
    pub receipt: String,
    /// How many SMS it became; 1 for a call or a mail.
    pub segments: u32,
}

/// What a callback must bring back to be believed: it stands in the callback's address, encrypted, so it tells the supplier
/// nothing, and nobody can make one.
#[derive(Clone)]
pub struct Ticket(String);

impl Ticket {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// Letters, digits, `-` and `_` only: one segment of a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One way out of the house. To add one: implement this.
pub trait Channel: Send + Sync {
    /// The carrier's name as it is configured: it stands in routes, in the message log and in metrics. At most 32 letters, digits,
    /// `-` and `_`.
    fn name(&self) -> &str;

    /// Whether it can carry such a message, as configured.
    fn carries(&self, kind: ChannelKind) -> bool;

    /// Whether it could take a message now. A bind that is down can't: the next route is taken, and nothing was shown to this one.
    fn is_ready(&self) -> bool {
        true
    }

    /// Whether it reports when a message arrives. Of one that does, a receipt that is missing is a failure.
    fn reports(&self, kind: ChannelKind) -> bool {
        let _ = kind;
        false
    }

    /// Hands a message over. It returns within half a minute, whatever the supplier does.
    ///
    /// An implementation repeats only what the supplier certainly did not take, so that a person doesn't get one code twice, and
    /// says truly what it knows: [`SendError::Down`] and [`SendError::Throttled`] are tried again, or elsewhere, with the same code;
    /// anything else is not. [`SendError::Mismatch`] is for content that it can't carry, and that the supplier hasn't seen.
    fn send<'a>(&'a self, message: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>>;

    /// What its supplier calls back over HTTP; nothing where it doesn't.
    fn receiver(&self) -> Option<&dyn Receiver> {
        None
    }

    /// Has its supplier forget a message after this time, by the id that it has given to a ledger of [`Links`]: what another process
    /// was to see to. Nothing where it asks for nothing of the kind.
    fn forget_later(&self, id: &str, delay: Duration) {
        let _ = (id, delay);
    }

    /// Called once, before anything is sent: where a channel that hears receipts, keys and incoming messages by itself says so.
    fn connect(&self, links: &Links) {
        let _ = links;
    }
}
