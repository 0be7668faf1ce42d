//! How a queued message is sealed: `nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM under a key that is derived (HKDF-SHA256) from the
//! key of its ten minutes for this tenant and message. The plaintext is filled up to a multiple of [`FILLED`], so that its
//! length doesn't tell what it says.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use types::{MessageId, Random, TenantId};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// Plaintexts have a multiple of so many bytes.
const FILLED: usize = 512;
const NAME: &[u8] = b"countersign message queue 1";

/// It was not sealed under this key for this message, or the library failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a queued message can't be sealed or opened")]
pub(crate) struct Unsealable;

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

fn key(epoch: &[u8; KEY_LEN], tenant: TenantId, message: MessageId) -> Result<LessSafeKey, Unsealable> {
    let extracted = Salt::new(HKDF_SHA256, NAME).extract(epoch);
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let info = [tenant.as_bytes().as_slice(), message.as_bytes()];
    extracted.expand(&info, Length).and_then(|okm| okm.fill(key.as_mut())).map_err(|_| Unsealable)?;
    UnboundKey::new(&AES_256_GCM, key.as_ref()).map(LessSafeKey::new).map_err(|_| Unsealable)
}

/// Seals `plain`, which is filled up and wiped.
pub(crate) fn seal(
    epoch: &[u8; KEY_LEN],
    tenant: TenantId,
    message: MessageId,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, Unsealable> {
    let length = u32::try_from(plain.len()).map_err(|_| Unsealable)?;
    let mut filled = Zeroizing::new(Vec::with_capacity((plain.len() + 4).next_multiple_of(FILLED)));
    filled.extend_from_slice(&length.to_be_bytes());
    filled.extend_from_slice(plain);
    let whole = filled.len().next_multiple_of(FILLED);
    filled.resize(whole, 0);
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    let tag = key(epoch, tenant, message)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut filled)
        .map_err(|_| Unsealable)?;
    Ok([nonce.as_slice(), &filled, tag.as_ref()].concat())
}

/// Opens what [`seal`] gave.
pub(crate) fn open(
    epoch: &[u8; KEY_LEN],
    tenant: TenantId,
    message: MessageId,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unsealable)?;
    let mut rest = Zeroizing::new(rest.to_vec());
    let plain = key(epoch, tenant, message)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut rest)
        .map_err(|_| Unsealable)?;
    let (length, text) = plain.split_first_chunk::<4>().ok_or(Unsealable)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Unsealable)?;
    Ok(Zeroizing::new(text.get(..length).ok_or(Unsealable)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::{Millis, World};

    proptest! {
        #[test]
        fn only_this_key_opens_it_for_this_message(plain in proptest::collection::vec(any::<u8>(), 0..2000), at in 0_usize..100) {
            let (world, _) = World::made(Millis(1_794_651_630_405), 5);
            let random = world.random.as_ref();
            let (tenant, message) = (TenantId::new(world.now(), random), MessageId::new(world.now(), random));
            let epoch = world.bytes();
            let sealed = seal(&epoch, tenant, message, &plain, random).unwrap();
            prop_assert_eq!((sealed.len() - NONCE_LEN - 16) % FILLED, 0);
            let opened = open(&epoch, tenant, message, &sealed).unwrap();
            prop_assert!(*opened == plain);
            prop_assert!(open(&world.bytes(), tenant, message, &sealed).is_err());
            prop_assert!(open(&epoch, TenantId::new(world.now(), random), message, &sealed).is_err());
            prop_assert!(open(&epoch, tenant, MessageId::new(world.now(), random), &sealed).is_err());
            let mut changed = sealed.clone();
            let at = at * changed.len() / 100;
            changed[at] ^= 1;
            prop_assert!(open(&epoch, tenant, message, &changed).is_err());
            prop_assert!(open(&epoch, tenant, message, &sealed[..at]).is_err());
        }
    }
}
