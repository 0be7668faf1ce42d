//! Messages that wait: for their time, for a carrier, for a place in the row.

use super::{
    Desk,
    admit::Admission,
    carry::{KeyUse, Trip},
};
use crate::{
    Outgoing, SendError, State, log,
    queue::{HANDED, QUEUED, parcel},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};
use store::{MessageRow, QueuedRow, StoreError};
use types::{MessageId, Millis, TenantId};

/// So many messages may wait on one node. Whoever brings more is asked for patience.
const MOST: usize = 100_000;
const FULL: Duration = Duration::from_secs(5);

/// Messages that are not due yet, by the time when they are.
#[derive(Default)]
pub(super) struct Later(BTreeMap<(Millis, u64), Trip>, u64);

impl Later {
    pub(super) fn put(&mut self, due: Millis, trip: Trip) {
        self.1 += 1;
        self.0.insert((due, self.1), trip);
    }

    pub(super) fn due(&mut self, now: Millis) -> Vec<Trip> {
        let rest = self.0.split_off(&(now + Duration::from_millis(1), 0));
        std::mem::replace(&mut self.0, rest).into_values().collect()
    }

    fn remove(&mut self, tenant: TenantId, id: MessageId) {
        self.0.retain(|_, trip| trip.row.id != id || trip.message.tenant != tenant);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Desk {
    pub(super) fn later(&self) -> MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message as it stands in the queue; handed to `carrier`, or to nobody yet.
    pub(super) async fn sealed_for_queue(
        &self,
        message: &Outgoing,
        until: Millis,
        carrier: Option<&str>,
    ) -> Result<(KeyUse, QueuedRow), StoreError> {
        let now = self.now();
        let due = message.terms.not_before.unwrap_or(now).max(now);
        let damaged = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a message can't be queued");
            StoreError::Unavailable("the key of a queued message could not be made".to_owned())
        };
        let name = self.shelf.key_for(due).await.map_err(|error| damaged(&error))?;
        let key = KeyUse::counted(Arc::clone(&self.shelf), name);
        let plain = parcel::pack(message, now, until).map_err(|error| damaged(&error))?;
        let sealed = self.shelf.seal(&name, message.tenant, message.id, &plain).map_err(|error| damaged(&error))?;
        let row = QueuedRow {
            tenant: message.tenant,
            id: message.id,
            holder: self.shelf.holder().to_vec(),
            key_id: name.to_vec(),
            until: store::ten_minutes(until) + 1,
            state: if carrier.is_some() { HANDED } else { QUEUED }.to_owned(),
            carrier: carrier.unwrap_or_default().to_owned(),
            sealed,
        };
        Ok((key, row))
    }

    /// Takes a message for sending later.
    pub(super) async fn enqueue(self: &Arc<Self>, mut message: Outgoing) -> Result<MessageId, SendError> {
        let kind = message.kind()?;
        message.id = log::day_id(message.id);
        self.ways(&message, kind, &[])?;
        if self.waiting.load(Ordering::Relaxed) + self.later().len() >= MOST {
            return Err(SendError::Throttled { retry_after: FULL });
        }
        let until = self.until(&message);
        let due = message.terms.not_before.filter(|at| *at > self.now());
        let state = if due.is_some() { State::Scheduled } else { State::Queued };
        let (key, queued) = self.sealed_for_queue(&message, until, None).await?;
        let row = self.admit(&message, Admission { kind, carrier: "", state, queued: &queued }).await?;
        let id = row.id;
        if let Err(refused) = self.passes_gate(&message).await {
            self.end(message.tenant, id, State::Failed.as_str(), refused.class().as_str()).await?;
            return Err(refused);
        }
        self.announce(message.tenant, &row);
        let trip =
            Trip { kind, row, key, until, seen: Vec::new(), unfit: Vec::new(), wordings: 0, only: None, message };
        match due {
            Some(due) => self.later().put(due, trip),
            None => self.make_ready(trip),
        }
        Ok(id)
    }

    /// Hands a message to the dispatcher.
    pub(super) fn make_ready(&self, trip: Trip) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The receiver lives as long as this desk.
        let _ = self.ready.send(trip);
    }

    /// Takes a message back, if no carrier can have seen it.
    pub(super) async fn take_back(&self, tenant: TenantId, id: MessageId) -> Result<bool, StoreError> {
        let mut tx = self.store.tenant(tenant).begin().await?;
        if !tx.take_back_message(id).await? {
            return Ok(false);
        }
        for old in [State::Scheduled, State::Queued] {
            if tx.set_message_state(id, old.as_str(), State::Canceled.as_str(), "", None).await? {
                break;
            }
        }
        tx.commit().await?;
        self.later().remove(tenant, id);
        if let Some(row) = self.store.tenant(tenant).message(id).await? {
            self.announce(tenant, &row);
        }
        Ok(true)
    }

    /// A row that was taken over, as a trip; `None` if its key is gone.
    pub(super) async fn reopened(&self, queued: &QueuedRow) -> Result<Option<Trip>, StoreError> {
        let Some(name) = self.shelf.hold(&queued.key_id) else { return Ok(None) };
        let key = KeyUse::counted(Arc::clone(&self.shelf), name);
        let Ok(plain) = self.shelf.open_sealed(&queued.key_id, queued.tenant, queued.id, &queued.sealed) else {
            return Ok(None);
        };
        let Ok((message, until)) = parcel::unpack(queued.tenant, queued.id, &plain) else { return Ok(None) };
        let Ok(kind) = message.kind() else { return Ok(None) };
        let row: Option<MessageRow> = self.store.tenant(queued.tenant).message(queued.id).await?;
        let Some(row) = row else { return Ok(None) };
        let only = (queued.state == HANDED).then(|| queued.carrier.clone());
        Ok(Some(Trip { message, kind, row, key, until, seen: Vec::new(), unfit: Vec::new(), wordings: 0, only }))
    }
}
