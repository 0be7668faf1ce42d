//! The sealed part of a message's row.

use super::Desk;
use crate::{Address, Outgoing, log, place};
use keys::TenantPublicKey;
use store::{MessageRow, StoreError};
use types::{MessageId, Millis, TenantId};

impl Desk {
    /// Number, place and exact time, for the tenant's eyes; nothing without a key.
    pub(super) fn seal(
        &self,
        message: &Outgoing,
        key: Option<&str>,
        now: Millis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
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

    pub(super) fn sealer<'a>(
        &'a self,
        key: &'a TenantPublicKey,
        tenant: TenantId,
        message: MessageId,
    ) -> log::Sealer<'a> {
        log::Sealer { key, tenant, message, random: self.store.world().random.as_ref() }
    }

    /// The row's sealed part with another receipt in it; `None` where there is none, or where the tenant's key is another by now.
    pub(super) async fn resealed(
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
