//! Takes messages, applies the limits, picks the channel and keeps the log.
//!
//! One transaction before a message leaves: its limits are spent and its row is written, so that nothing leaves unseen, also when
//! the process dies. One after: what the supplier said.

mod admit;
mod limits;
mod reports;
mod sealing;

pub use reports::{Delivery, Report, Reported};

use crate::{
    Accepted, CallAnswer, CallAnswers, Changed, Channel, ChannelKind, Content, Links, Outgoing, SendError, Standing,
    WebPush,
    house::{Claims, House},
    links::Heard,
    log,
};
use std::{sync::Arc, time::Duration};
use store::{MessageRow, Store, StoreError};
use tokio::sync::{OnceCell, broadcast, mpsc};
use types::{MessageId, Millis, TenantId, UserId};

/// So many days a receipt is still understood: carriers report for up to three.
const RECEIPT_DAYS: i64 = 3;
/// The same for a receipt that comes with a ticket.
pub(crate) const RECEIPT_LIFE: Duration = Duration::from_secs(RECEIPT_DAYS.unsigned_abs() * 86_400);

/// So many changes may wait for a slow listener before it misses the oldest.
const CHANGES: usize = 4096;

/// A channel that keeps its promise has answered long before.
const PATIENCE: Duration = Duration::from_secs(40);

/// Takes messages, applies the limits, picks the channel and keeps the log.
pub struct Courier {
    desk: Arc<Desk>,
    web_push: Option<WebPush>,
}

pub(crate) struct Desk {
    store: Arc<Store>,
    channels: Vec<Arc<dyn Channel>>,
    answers: CallAnswers,
    changes: broadcast::Sender<Changed>,
    house: OnceCell<House>,
    book: log::book::LogBook,
}

impl Courier {
    /// A courier with these ways out. The first that carries a kind of message carries all of that kind: the same code never goes
    /// through two suppliers.
    #[must_use]
    pub fn new(store: Arc<Store>, channels: Vec<Arc<dyn Channel>>) -> Self {
        let answers = CallAnswers::new();
        let (links, hearing) = Links::new(answers.clone());
        for channel in &channels {
            channel.connect(&links);
        }
        let changes = broadcast::Sender::new(CHANGES);
        let desk = Arc::new(Desk { store, channels, answers, changes, house: OnceCell::new(), book: log::book::LogBook::new() });
        tokio::spawn(hear(Arc::downgrade(&desk), hearing));
        Self { desk, web_push: None }
    }

    /// Also wakes authenticators.
    #[must_use]
    pub fn with_web_push(mut self, web_push: WebPush) -> Self {
        self.web_push = Some(web_push);
        self
    }

    /// What wakes authenticators; without one they only ask by themselves.
    #[must_use]
    pub const fn web_push(&self) -> Option<&WebPush> {
        self.web_push.as_ref()
    }

    /// Whether a channel for this kind is configured.
    #[must_use]
    pub fn carries(&self, kind: ChannelKind) -> bool {
        self.desk.channel(kind).is_ok()
    }

    /// Sends a message: `Ok` when a supplier has taken it. It is carried to its end even if the caller goes away.
    ///
    /// [`SendError::Limited`] and [`SendError::Throttled`] say after what time another try makes sense.
    pub async fn deliver(&self, message: Outgoing) -> Result<(), SendError> {
        let desk = Arc::clone(&self.desk);
        let kind = message.kind()?;
        let done = tokio::spawn(async move { desk.deliver(message).await });
        let done = done.await.unwrap_or(Err(SendError::Unavailable));
        metrics::counter!("countersign_messages_total", "channel" => kind.as_str(), "outcome" => outcome(&done))
            .increment(1);
        done
    }

    /// Takes a message for sending: `Ok` with the id that it has in the log, when it stands durably in the queue. What becomes of it
    /// is said by [`changes`](Self::changes) and [`standing`](Self::standing).
    pub async fn enqueue(&self, message: Outgoing) -> Result<MessageId, SendError> {
        message.kind()?;
        let id = log::day_id(message.id);
        let desk = Arc::clone(&self.desk);
        tokio::spawn(async move { desk.deliver(message).await });
        Ok(id)
    }

    /// Takes a message back while it waits. `false` where it doesn't wait (any more).
    pub async fn cancel(&self, tenant: TenantId, message: MessageId) -> Result<bool, SendError> {
        let _ = (tenant, message);
        Ok(false)
    }

    /// How a message stands; `None` where the tenant has no such message, or its log has forgotten it.
    pub async fn standing(&self, tenant: TenantId, message: MessageId) -> Result<Option<Standing>, StoreError> {
        let row = self.desk.store.tenant(tenant).message(log::day_id(message)).await?;
        Ok(row.as_ref().map(Standing::of))
    }

    /// A code of a message was entered rightly: that says more about the way it went than any receipt. Without the message's id the
    /// newest of this user's that a code is waited for counts.
    pub fn verified(&self, tenant: TenantId, user: Option<UserId>, message: Option<MessageId>) {
        let _ = (tenant, user, message);
        metrics::counter!("countersign_messages_verified_total").increment(1);
    }

    /// Every message that moves on, from now on, as far as this node hears of it.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.desk.changes.subscribe()
    }

    /// Cuts a carrier off, on every node: nothing goes through it any more, and codes that are under way through it count no more.
    pub async fn cut(&self, carrier: &str, reason: &str) -> Result<(), StoreError> {
        let _ = (carrier, reason);
        Ok(())
    }

    /// Lets a carrier work again.
    pub async fn restore(&self, carrier: &str) -> Result<(), StoreError> {
        let _ = carrier;
        Ok(())
    }

    /// How calls end, from now on, as far as this node hears of it.
    #[must_use]
    pub fn call_answers(&self) -> broadcast::Receiver<CallAnswer> {
        self.desk.answers.subscribe()
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }
}

impl Desk {
    pub(crate) fn answers(&self) -> &CallAnswers {
        &self.answers
    }

    pub(crate) fn now(&self) -> Millis {
        self.store.world().now()
    }

    pub(crate) async fn house(&self) -> Result<&House, StoreError> {
        self.house.get_or_try_init(|| House::open(&self.store)).await
    }

    fn channel(&self, kind: ChannelKind) -> Result<&Arc<dyn Channel>, SendError> {
        self.channels.iter().find(|channel| channel.carries(kind)).ok_or(SendError::NoChannel(kind))
    }

    /// The carrier of that name.
    pub(crate) fn named(&self, carrier: &str) -> Option<Arc<dyn Channel>> {
        self.channels.iter().find(|channel| channel.name() == carrier).cloned()
    }

    async fn deliver(&self, mut message: Outgoing) -> Result<(), SendError> {
        let kind = message.kind()?;
        let channel = self.channel(kind)?;
        message.id = log::day_id(message.id);
        let house = self.house().await?;
        let row = self.admit(&message, kind, channel.name()).await?;
        let claims = claims(&message, self.now());
        let ticket = house.ticket(&claims, self.store.world().random.as_ref()).map_err(StoreError::Key)?;
        let sent = tokio::time::timeout(PATIENCE, channel.send(&message, &ticket)).await;
        let outcome = sent.unwrap_or(Err(SendError::Unavailable));
        if let Err(error) = &outcome {
            // No tenant and no id here: with the line's own time they would say when somebody's message went.
            tracing::warn!(channel = channel.name(), class = error.class().as_str(), "a message was not taken");
        }
        if let Err(error) = self.note(message.tenant, &row, house, &outcome).await {
            tracing::error!(%error, "the outcome of a message was not written to the log");
        }
        outcome.map(drop)
    }

    /// Writes what the supplier said at once.
    async fn note(
        &self,
        tenant: TenantId,
        row: &MessageRow,
        house: &House,
        outcome: &Result<Accepted, SendError>,
    ) -> Result<(), StoreError> {
        let accepted = match outcome {
            Ok(accepted) => accepted,
            Err(error) => {
                // Without a clear answer it may still arrive, and a receipt may still come.
                let state = if matches!(error, SendError::Unavailable) { "queued" } else { "failed" };
                let mut tx = self.store.tenant(tenant).begin().await?;
                tx.set_message_state(row.id, "queued", state, error.class().as_str(), None).await?;
                return tx.commit().await;
            }
        };
        let billing = billing_class(&row.channel, accepted.segments);
        let receipt = (!accepted.receipt.is_empty()).then(|| house.receipt(&row.supplier, &accepted.receipt));
        let now = self.now();
        let sealed = self
            .resealed(tenant, row, &log::Receipt { id: &accepted.receipt, at: now, raw: "" })
            .await?;
        for receipt in [receipt, None] {
            let mut tx = self.store.tenant(tenant).begin().await?;
            if let Some(receipt) = receipt {
                match tx.add_receipt(row.id, &receipt, receipt_expiry(now)).await {
                    // The supplier gave an id twice: then it names neither message.
                    Err(StoreError::Duplicate) => continue,
                    done => done?,
                };
            }
            // Not where a receipt has come already: it knows more.
            if tx.set_message_state(row.id, "queued", "sent", "", Some(&billing)).await?
                && let Some(sealed) = &sealed
            {
                tx.set_message_sealed(row.id, sealed).await?;
            }
            return tx.commit().await;
        }
        Ok(())
    }
}

/// Works on what channels hear, until the courier is gone.
async fn hear(desk: std::sync::Weak<Desk>, mut hearing: mpsc::Receiver<Heard>) {
    while let Some(heard) = hearing.recv().await {
        let Some(desk) = desk.upgrade() else { return };
        match heard {
            Heard::Report(carrier, report) => {
                if let Err(error) = desk.report(&carrier, &report).await {
                    tracing::warn!(%error, "a receipt was not written to the log");
                }
            }
            Heard::Inbound(carrier, inbound) => {
                drop(inbound);
                metrics::counter!("countersign_messages_inbound_total", "carrier" => carrier).increment(1);
            }
        }
    }
}

/// What became of a message, for the counters: `taken`, `limited`, or the class of an error.
fn outcome(done: &Result<(), SendError>) -> &'static str {
    match done {
        Ok(()) => "taken",
        Err(SendError::Limited { .. }) => "limited",
        Err(error) => error.class().as_str(),
    }
}

fn claims(message: &Outgoing, at: Millis) -> Claims {
    let (wants_keys, fraud_key) = match &message.content {
        Content::Call(script) => (script.keys.is_some(), script.fraud_key.and_then(|key| u8::try_from(key).ok())),
        _ => (false, None),
    };
    Claims { tenant: message.tenant, message: message.id, txid: message.txid, at, wants_keys, fraud_key }
}

/// When a receipt by the supplier's id is forgotten: at the end of a day, because the moment would tell when the message went.
const fn receipt_expiry(now: Millis) -> Millis {
    Millis(now.day().saturating_add(RECEIPT_DAYS + 1).saturating_mul(86_400_000))
}

/// What a message is billed as: its kind, and for an SMS how many it became (`sms-1` to `sms-9`, then `sms-10+`).
fn billing_class(channel: &str, segments: u32) -> String {
    match (channel, segments) {
        ("sms", 0..=9) => format!("sms-{}", segments.max(1)),
        ("sms", _) => "sms-10+".to_owned(),
        _ => channel.to_owned(),
    }
}

#[cfg(test)]
mod tests;
