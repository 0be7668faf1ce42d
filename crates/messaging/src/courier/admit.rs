//! Whether a message may go: the tenant's settings and limits, spent in the transaction that writes its row.

use super::{Desk, limits, limits::Settings};
use crate::{ChannelKind, Outgoing, SendError, log};
use store::{MessageRow, StoreError};

impl Desk {
    /// Spends the limits and writes the row.
    pub(super) async fn admit(
        &self,
        message: &Outgoing,
        kind: ChannelKind,
        supplier: &str,
    ) -> Result<MessageRow, SendError> {
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
            sealed: self.seal(message, of_tenant.log_key.as_deref(), now).await?,
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
}
