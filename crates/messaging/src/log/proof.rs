//! How a reader shows that they have the tenant's private key, before they are given rows.
//!
//! The server seals a token to the tenant's public keys, in the form of a row, so that a reader needs nothing that it hasn't got to open
//! rows; and it takes the token with each page. It keeps nothing: the token is a keyed hash of who reads and of the hour.

use super::Sent;
use data_encoding::HEXLOWER;
use keys::{Part, Recipients, Segment, TenantKeys, segment};
use std::time::Duration;
use store::{LogSegment, Store, StoreError};
use types::{MessageId, Millis, TenantId, ct_eq};

const HOUR: i64 = 3_600_000;
/// A proof serves for so long at least, and for twice as long at most.
pub const PROOF_LIFE: Duration = Duration::from_secs(3600);

/// What a reader opens to show that they can. It is a row of the log that stands in no log.
pub struct Challenge {
    /// The segment that the row was sealed in.
    pub segment: LogSegment,
    /// The row's id.
    pub id: MessageId,
    /// The row's sealed part; its number is the proof.
    pub sealed: Vec<u8>,
}

fn token(keys: &TenantKeys, who: &str, hour: i64) -> [u8; 32] {
    keys.digest("log-reader/1", &[who.as_bytes(), &hour.to_be_bytes()])
}

/// A challenge for whoever reads as `who`; none where the tenant has no key.
pub async fn challenge(store: &Store, tenant: TenantId, who: &str) -> Result<Option<Challenge>, StoreError> {
    let scope = store.tenant(tenant);
    let Some(log_key) = scope.row().await?.and_then(|row| row.log_key) else { return Ok(None) };
    let world = store.world();
    let (day, recipients) = (world.now().day(), Recipients::from_text(&log_key)?);
    let (mut made, header) = Segment::begin(tenant, day, &recipients, world.random.as_ref())?;
    let Some(key) = made.next_key()? else { return Ok(None) };
    let id = MessageId::new(Millis(day.saturating_mul(24 * HOUR)), world.random.as_ref());
    let proof = HEXLOWER.encode(&token(&scope.keys().await?, who, world.now().0.div_euclid(HOUR)));
    let words = Sent { at: world.now(), to: &proof, ..Sent::default() };
    let mut sealed = key.seal(id, Part::Sent, &words.encode())?;
    sealed.extend(segment::blank(Part::Receipt));
    let segment = LogSegment { id: made.id(), day, header: Some(header) };
    Ok(Some(Challenge { segment, id, sealed }))
}

/// Whether `proof` is what the challenge of this reader, of this hour or the one before, holds.
#[must_use]
pub fn is_proof(keys: &TenantKeys, who: &str, now: Millis, proof: &str) -> bool {
    let Ok(given) = HEXLOWER.decode(proof.as_bytes()) else { return false };
    let hour = now.0.div_euclid(HOUR);
    // Under the key that encrypts: after a rotation the reader asks for another challenge.
    [hour, hour - 1].into_iter().any(|hour| ct_eq(&token(keys, who, hour), &given))
}
