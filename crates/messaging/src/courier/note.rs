//! The log's rows: written before a message leaves, and again when a carrier has answered.

use super::{
    Desk,
    carry::{Taken, Trip},
    fleet::Candidate,
    receipt_expiry,
};
use crate::{Accepted, Changed, ChannelKind, Outgoing, SendError, Standing, State, log};
use keys::TenantKeys;
use std::{sync::Arc, time::Duration};
use store::{MessageRow, Outcome, StoreError};
use types::{MessageId, TenantId};

/// The pauses, in seconds, before the outcome of a message is written once more, when the store failed.
const NOTE_AGAIN: [u64; 6] = [1, 3, 10, 30, 60, 120];

impl Desk {
    /// The row of a message that leaves.
    pub(super) async fn row(
        &self,
        message: &Outgoing,
        kind: ChannelKind,
        carrier: &str,
        state: State,
        log_key: Option<&str>,
        keys: &TenantKeys,
    ) -> Result<MessageRow, StoreError> {
        let day = message.id.made_at().day();
        Ok(MessageRow {
            id: message.id,
            day,
            channel: kind.as_str().to_owned(),
            supplier: carrier.to_owned(),
            purpose: message.purpose.as_str().to_owned(),
            state: state.as_str().to_owned(),
            billing_class: kind.as_str().to_owned(),
            error_class: String::new(),
            user_mark: log::user_mark(keys, self.store.mark_keys().map(Arc::as_ref), day, message.user, message.id)
                .to_vec(),
            receipt: None,
            sealed: self.seal(message, log_key, self.now()).await?,
            txid: None,
        })
    }

    /// A carrier has taken it.
    pub(super) async fn taken(
        self: &Arc<Self>,
        mut trip: Trip,
        candidate: Candidate,
        taken: Taken,
    ) -> Result<(), SendError> {
        let Taken { accepted, shown } = taken;
        // Before the log is written: a receipt may be here in this moment.
        let heard = self.watch(&trip, &candidate, shown);
        match self.note_taken(trip.message.tenant, &trip.row, &accepted).await {
            Ok(false) => self.tell_early(&trip).await,
            Ok(true) => {
                trip.row.state = "sent".to_owned();
                trip.row.billing_class = billing_class(&trip.row.channel, accepted.segments);
                self.announce(trip.message.tenant, &trip.row);
            }
            Err(error) => {
                tracing::error!(%error, "the outcome of a message was not written to the log yet");
                let (desk, tenant, row) = (Arc::clone(self), trip.message.tenant, trip.row.clone());
                tokio::spawn(async move { desk.note_later(tenant, row, accepted).await });
            }
        }
        if let Some(heard) = heard {
            let patience = self.patience(trip.kind, &candidate);
            self.wait_for_receipt(trip, shown + patience, heard);
        }
        Ok(())
    }

    /// Tries to write what a carrier said when the store is back: else the message would be reported as lost.
    async fn note_later(&self, tenant: TenantId, row: MessageRow, accepted: Accepted) {
        for pause in NOTE_AGAIN {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            if self.note_taken(tenant, &row, &accepted).await.is_ok() {
                return;
            }
        }
        tracing::error!("the outcome of a message was not written to the log");
    }

    /// Whether the row was still waiting for this: a receipt may have been here before.
    async fn note_taken(&self, tenant: TenantId, row: &MessageRow, accepted: &Accepted) -> Result<bool, StoreError> {
        let house = self.house().await?;
        let billing = billing_class(&row.channel, accepted.segments);
        let receipt = (!accepted.receipt.is_empty()).then(|| house.receipt(&row.supplier, &accepted.receipt));
        let now = self.now();
        let sealed = self.resealed(tenant, row, &log::Receipt { id: &accepted.receipt, at: now, raw: "" }).await?;
        for receipt in [receipt, None] {
            let mut plan = self.store.tenant(tenant).plan();
            let named = receipt.is_some();
            if let Some(receipt) = receipt {
                plan.add_receipt(row.id, &receipt, receipt_expiry(now));
            }
            // Not where a receipt has come already: it knows more.
            let first = plan.set_message_state(row.id, "queued", "sent", "", Some(&billing));
            if let Some(sealed) = &sealed {
                let resealed = plan.set_message_sealed(row.id, sealed.clone());
                plan.after(resealed, &[first]);
            }
            plan.unqueue_message(row.id);
            return match plan.commit().await {
                // The supplier gave an id twice: then it names neither message.
                Err(StoreError::Duplicate) if named => continue,
                Ok(Outcome::Committed(changes)) => Ok(changes.made(first)),
                Ok(Outcome::RolledBack(_)) => Ok(false),
                Err(error) => Err(error),
            };
        }
        Ok(true)
    }

    /// Nobody has taken it, and nobody will: gives the error back.
    pub(super) async fn finish(&self, trip: &Trip, error: SendError) -> Result<(), SendError> {
        // No tenant and no id here: with the line's own time they would say when somebody's message went.
        tracing::warn!(channel = trip.row.supplier, class = error.class().as_str(), "a message was not taken");
        // Without a clear answer it may still arrive, and a receipt may still come.
        let state = if matches!(error, SendError::Unavailable) { "queued" } else { "failed" };
        let tenant = trip.message.tenant;
        match self.end(tenant, trip.row.id, state, error.class().as_str()).await {
            Ok(()) => {
                let row = MessageRow {
                    state: state.to_owned(),
                    error_class: error.class().as_str().to_owned(),
                    ..trip.row.clone()
                };
                self.announce(tenant, &row);
            }
            Err(error) => tracing::error!(%error, "the outcome of a message was not written to the log"),
        }
        Err(error)
    }

    /// Ends a row that no carrier has taken, and takes it out of the queue.
    pub(super) async fn end(
        &self,
        tenant: TenantId,
        id: MessageId,
        state: &str,
        class: &str,
    ) -> Result<(), StoreError> {
        let mut plan = self.store.tenant(tenant).plan();
        let queued = plan.set_message_state(id, "queued", state, class, None);
        let scheduled = plan.set_message_state(id, "scheduled", state, class, None);
        plan.unless(scheduled, &[queued]);
        plan.unqueue_message(id);
        plan.commit().await.map(drop)
    }

    /// Tells whoever listens how a message stands.
    pub(super) fn announce(&self, tenant: TenantId, row: &MessageRow) {
        if self.changes.receiver_count() > 0 {
            let _ = self.changes.send(Changed { tenant, message: row.id, standing: Standing::of(row) });
        }
    }
}

/// What a message is billed as: its kind, and for an SMS how many it became (`sms-1` to `sms-9`, then `sms-10+`).
pub(super) fn billing_class(channel: &str, segments: u32) -> String {
    match (channel, segments) {
        ("sms", 0..=9) => format!("sms-{}", segments.max(1)),
        ("sms", _) => "sms-10+".to_owned(),
        _ => channel.to_owned(),
    }
}
