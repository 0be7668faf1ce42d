//! AES-256-GCM with a nonce drawn by chance, and the one layout in which all ciphertexts of this crate are written:
//! `nonce (12) ‖ ciphertext ‖ tag (16)`.
//!
//! Keys are kept as 32 raw bytes and prepared for each use. Preparing takes some 0.2 µs (an encryption of a seed takes as much
//! again), while a prepared key takes some 600 bytes, which 100,000 cached tenants would feel.
//!
//! A random 96-bit nonce allows 2³² encryptions under one key (NIST SP 800-38D §8.3). A tenant key seals seeds and numbers, not
//! logins, so that is out of reach between two rotations.

use crate::KeyError;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use types::{Random, SecretBytes};

/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// Bytes of the tag.
const TAG_LEN: usize = 16;
/// How much longer than the plaintext the ciphertext is.
pub(crate) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

fn prepare(key: &[u8]) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| KeyError::Library("prepare a key"))
}

/// Appends nonce, ciphertext and tag to `out`.
pub(crate) fn seal(
    key: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    out.reserve_exact(plaintext.len() + OVERHEAD);
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plaintext);
    let refused = KeyError::Library("encrypt");
    let Some(in_out) = out.get_mut(start..) else { return Err(refused) };
    let tag = prepare(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), in_out)
        .map_err(|_| refused)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Opens what [`seal`] appended.
pub(crate) fn open(key: &[u8], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, KeyError> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Malformed("ciphertext"))?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(KeyError::Malformed("ciphertext"))?;
    let mut plaintext = vec![0; ciphertext.len()];
    prepare(key)?
        .open_separate_gather(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), ciphertext, tag, &mut plaintext)
        .map_err(|_| KeyError::Refused)?;
    Ok(SecretBytes::new(plaintext))
}
