//! What the courier asks of a way out of the house.

use crate::{CallAnswers, Outgoing, SendError};
use std::{future::Future, pin::Pin};

/// A future in a box: channels are chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How a message reaches a person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChannelKind {
    /// A text message.
    Sms,
    /// A telephone call.
    Voice,
    /// Electronic mail.
    Email,
}

impl ChannelKind {
    /// As it stands in the message log: `sms`, `voice`, `email`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
        }
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
    /// As it stands in the message log: `print`, `twilio`, `smtp`.
    fn name(&self) -> &'static str;

    /// Whether it can carry such a message, as configured.
    fn carries(&self, kind: ChannelKind) -> bool;

    /// Hands a message over. It returns within half a minute, whatever the supplier does.
    ///
    /// It is called at most once for a message. An implementation repeats only what the supplier certainly did not take, so that
    /// a person doesn't get one code twice.
    fn send<'a>(&'a self, message: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>>;

    /// Called once, before anything is sent: where a channel that hears a call's end by itself says so.
    fn connect(&self, answers: &CallAnswers) {
        let _ = answers;
    }
}
