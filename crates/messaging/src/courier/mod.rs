//! Takes messages, applies the limits, picks the channel and keeps the log.
//!
//! One transaction before a message leaves: its limits are spent and its row is written, so that nothing leaves unseen, also when
//! the process dies. One after: what the supplier said.

mod limits;
mod reports;

pub use reports::{Delivery, Report, Reported};

use crate::{
    Accepted, Address, CallAnswer, CallAnswers, Channel, ChannelKind, Content, Outgoing, SendError, WebPush,
    house::{Claims, House},
    log, place,
};
use keys::TenantPublicKey;
use limits::Settings;
use std::{sync::Arc, time::Duration};
use store::{MessageRow, Store, StoreError};
use tokio::sync::{OnceCell, broadcast};
use types::{MessageId, Millis, TenantId};

/// So many days a receipt is still understood: carriers report for up to three.
const RECEIPT_DAYS: i64 = 3;
/// The same for a receipt that comes with a ticket.
pub(crate) const RECEIPT_LIFE: Duration = Duration::from_secs(RECEIPT_DAYS.unsigned_abs() * 86_400);

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
    house: OnceCell<House>,
}

impl Courier {
    /// A courier with these ways out. The first that carries a kind of message carries all of that kind: the same code never goes
    /// through two suppliers.
    #[must_use]
    pub fn new(store: Arc<Store>, channels: Vec<Arc<dyn Channel>>) -> Self {
        let answers = CallAnswers::new();
        for channel in &channels {
            channel.connect(&answers);
        }
        Self { desk: Arc::new(Desk { store, channels, answers, house: OnceCell::new() }), web_push: None }
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

    /// Spends the limits and writes the row.
    async fn admit(&self, message: &Outgoing, kind: ChannelKind, supplier: &str) -> Result<MessageRow, SendError> {
        let tenant = self.store.tenant(message.tenant);
        let of_tenant = tenant.row().await?.ok_or(SendError::Settings)?;
        let settings = Settings::read(&of_tenant.settings)?;
        settings.admit(&message.to)?;
        let keys = tenant.keys().await?;
        let now = self.now();
        let day = message.id.made_at().day();
        let row = MessageRow {
            id: message.id,
            day,
            channel: kind.as_str().to_owned(),
            supplier: supplier.to_owned(),
            purpose: message.purpose.as_str().to_owned(),
            state: "queued".to_owned(),
            billing_class: kind.as_str().to_owned(),
            error_class: String::new(),
            user_mark: log::user_mark(&keys, day, message.user, message.id).to_vec(),
            receipt: None,
            sealed: self.seal(message, of_tenant.log_key.as_deref(), now)?,
            txid: None,
        };
        let mut tx = tenant.begin().await?;
        for spending in limits::spendings(message, kind, &settings, &keys, now) {
            if !tx.spend(spending.bucket, spending.limit, 1, spending.at).await? {
                return Err(SendError::Limited { retry_after: spending.retry_after });
            }
        }
        match tx.insert_message(&row).await {
            Err(StoreError::Duplicate) => return Err(SendError::Repeated),
            done => done?,
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Number, place and exact time, for the tenant's eyes; nothing without a key.
    fn seal(&self, message: &Outgoing, key: Option<&str>, now: Millis) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(key) = self.log_key(key) else { return Ok(None) };
        let (to, calling_code, region) = match &message.to {
            Address::Number(number, _) => {
                let place = place::of(number);
                (number.expose(), place.calling_code, place.region)
            }
            Address::Mail(address) => (address.expose(), "", ""),
        };
        let sent = log::Sent {
            to: to.to_owned(),
            at: now.0,
            calling_code: calling_code.to_owned(),
            region: region.to_owned(),
        };
        Ok(Some(self.sealer(&key, message.tenant, message.id).sent(sent)?))
    }

    fn log_key(&self, text: Option<&str>) -> Option<TenantPublicKey> {
        let key = TenantPublicKey::from_text(text?);
        if key.is_err() {
            tracing::warn!("a tenant's log key can't be read: its messages are logged without the sealed part");
        }
        key.ok()
    }

    fn sealer<'a>(&'a self, key: &'a TenantPublicKey, tenant: TenantId, message: MessageId) -> log::Sealer<'a> {
        log::Sealer { key, tenant, message, random: self.store.world().random.as_ref() }
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
            .resealed(tenant, row, log::Receipt { id: accepted.receipt.clone(), at: now.0, raw: String::new() })
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

    /// The row's sealed part with another receipt in it; `None` where there is none, or where the tenant's key is another by now.
    async fn resealed(
        &self,
        tenant: TenantId,
        row: &MessageRow,
        receipt: log::Receipt,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(sealed) = &row.sealed else { return Ok(None) };
        let of_tenant = self.store.tenant(tenant).row().await?;
        let Some(key) = of_tenant.and_then(|row| self.log_key(row.log_key.as_deref())) else { return Ok(None) };
        let same = sealed.get(..keys::sealed::SEALED_LEN).and_then(keys::sealed::key_id_of) == Some(key.id());
        if !same {
            return Ok(None);
        }
        Ok(Some(self.sealer(&key, tenant, row.id).with_receipt(sealed, receipt)?))
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
