//! The sealed part of a message's row.

use super::Desk;
use crate::{Address, Outgoing, log};
use keys::{Part, segment};
use store::{MessageRow, StoreError};
use types::{Millis, TenantId};

impl Desk {
    /// Number, place, carrier, user and exact time, for the tenant's eyes; nothing without a key.
    pub(super) async fn seal(
        &self,
        message: &Outgoing,
        log_key: Option<&str>,
        now: Millis,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(log_key) = log_key else { return Ok(None) };
        let day = message.id.made_at().day();
        let Some(key) = self.book.key(&self.store, message.tenant, day, log_key).await? else { return Ok(None) };
        let mut sent = log::Sent { at: now, user: message.user, ..log::Sent::default() };
        match &message.to {
            Address::Number(number, _) => {
                let facts = numbers::look(number);
                sent.to = number.expose();
                sent.calling_code = facts.calling_code;
                sent.country = facts.country;
                sent.place = facts.place.unwrap_or_default();
                sent.carrier = facts.original_carrier.unwrap_or_default();
                sent.line = facts.kind.as_str();
            }
            Address::Mail(address) => sent.to = address.expose(),
        }
        let mut sealed = key.seal(message.id, Part::Sent, &sent.encode())?;
        sealed.extend(segment::blank(Part::Receipt));
        Ok(Some(sealed))
    }

    /// The row's sealed part with another receipt in it; `None` where there is none, or where the tenant has no key any more.
    pub(super) async fn resealed(
        &self,
        tenant: TenantId,
        row: &MessageRow,
        receipt: &log::Receipt<'_>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(sealed) = &row.sealed else { return Ok(None) };
        let Some(sent) = sealed.get(..Part::Sent.sealed_len()) else { return Ok(None) };
        let key = match self.book.open_key(tenant, row.day)? {
            Some(key) => key,
            None => {
                let of_tenant = self.store.tenant(tenant).row().await?;
                let Some(log_key) = of_tenant.and_then(|row| row.log_key) else { return Ok(None) };
                let Some(key) = self.book.key(&self.store, tenant, row.day, &log_key).await? else { return Ok(None) };
                key
            }
        };
        let mut resealed = sent.to_vec();
        resealed.extend(key.seal(row.id, Part::Receipt, &receipt.encode())?);
        Ok(Some(resealed))
    }
}
