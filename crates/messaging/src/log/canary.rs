//! Canaries: rows of the log that are no messages, and stand there to be stolen.
//!
//! One in 250 messages of a tenant whose log is sealed has one beside it. In clear it looks like a message that a limit has refused; its mark is a
//! keyed hash of its own id, so the server knows it and a thief of the database doesn't. What is sealed in it says what it is, so a
//! reader with the tenant's key passes over it, whatever the way it was read in.
//!
//! Who reads through the server and shows that they have the tenant's key ([`super::challenge`]) is given none. Who is given one has not shown
//! it: that is an alarm.

use keys::TenantKeys;
use store::{MessageRow, Store, StoreError};
use types::{MessageId, TenantId, ct_eq};

/// The mark of a canary, in the place of a user's.
pub(crate) fn mark(keys: &TenantKeys, id: MessageId) -> [u8; 32] {
    keys.digest("log-canary/1", &[id.as_bytes()])
}

/// Whether a row is a canary.
pub(crate) fn is_canary(keys: &TenantKeys, row: &MessageRow) -> bool {
    // Only what looks like one: an HMAC for each row of a page is not nothing.
    row.billing_class == "none"
        && keys.digest_candidates("log-canary/1", &[row.id.as_bytes()]).iter().any(|mark| ct_eq(mark, &row.user_mark))
}

/// Leaves canaries out of rows that are counted or listed for people, without anything that is sealed in them.
pub async fn without_canaries(
    store: &Store,
    tenant: TenantId,
    mut rows: Vec<MessageRow>,
) -> Result<Vec<MessageRow>, StoreError> {
    let keys = store.tenant(tenant).keys().await?;
    rows.retain(|row| !is_canary(&keys, row));
    Ok(rows)
}
