//! Whether a message may go: the tenant's settings and limits, spent in the transaction that writes its row and its place in the queue.

use super::{Desk, limits, limits::Settings};
use crate::{ChannelKind, Outgoing, SendError, State};
use store::{MessageRow, QueuedRow, StoreError};

/// How a message is to stand when it is admitted.
#[derive(Clone, Copy)]
pub(super) struct Admission<'a> {
    pub(super) kind: ChannelKind,
    /// The carrier that it is handed to; empty for none yet.
    pub(super) carrier: &'a str,
    pub(super) state: State,
    pub(super) queued: &'a QueuedRow,
}

impl Desk {
    /// Spends the limits and writes the row.
    pub(super) async fn admit(&self, message: &Outgoing, admission: Admission<'_>) -> Result<MessageRow, SendError> {
        let Admission { kind, carrier, state, queued } = admission;
        let tenant = self.store.tenant(message.tenant);
        let of_tenant = tenant.row().await?.ok_or(SendError::Settings)?;
        let settings = Settings::read(&of_tenant.settings)?;
        settings.admit(&message.to)?;
        let keys = tenant.keys().await?;
        let now = self.now();
        let row = self.row(message, kind, carrier, state, of_tenant.log_key.as_deref(), &keys).await?;
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
        tx.queue_message(queued).await?;
        tx.commit().await?;
        Ok(row)
    }
}
