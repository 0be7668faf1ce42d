//! One tenant's keys: they encrypt fields and hash codes.

use crate::{
    KeyError,
    aead::{self, KEY_LEN},
    codec,
};
use aws_lc_rs::{hkdf, hmac};
use std::sync::Arc;
use types::{Random, SecretBytes, id::TenantId};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Where a sealed value stands. It opens only there.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's key within the tenant, usually an id's bytes.
    pub row: &'a [u8],
}

impl Field<'_> {
    /// Whether the field is opened by a guard of its own, which counts: the telephone numbers of the directory.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.table == "phone" && self.column == "number"
    }
}

/// All live versions of one tenant's key: the newest encrypts, all decrypt. Cloning shares them.
///
/// About 150 bytes of heap with one version (measured), so that every tenant of a large installation can stay cached.
#[derive(Clone)]
pub struct TenantKeys(Arc<Inner>);

struct Inner {
    tenant: TenantId,
    /// Encrypts.
    writer: Version,
    /// Decrypt; newest first.
    others: Vec<Version>,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Version {
    number: u32,
    field: [u8; KEY_LEN],
    digest: [u8; KEY_LEN],
}

const FORMAT: u8 = 1;
/// Format byte and version.
const HEADER_LEN: usize = 5;
/// The longest plaintext of a field, in bytes. Fields are seeds, numbers, keys; a blob stands elsewhere.
const MAX_PLAINTEXT: usize = 64 * 1024;

impl TenantKeys {
    /// Takes raw keys of [`KEY_LEN`] bytes, in any order of versions. `writer` encrypts; without it, the newest.
    pub(crate) fn new(tenant: TenantId, keys: &[(u32, SecretBytes)], writer: Option<u32>) -> Result<Self, KeyError> {
        let newest = keys.iter().map(|(number, _)| *number).max().ok_or(KeyError::NoTenantKey)?;
        let wanted = writer.unwrap_or(newest);
        let mut writer = None;
        // Exact capacity: a vector that grows leaves copies of keys in freed memory.
        let mut others: Vec<Version> = Vec::with_capacity(keys.len().saturating_sub(1));
        for (number, key) in keys {
            if keys.iter().filter(|(other, _)| other == number).count() > 1 {
                return Err(KeyError::DuplicateVersion(*number));
            }
            let version = Version {
                number: *number,
                field: derive(key.expose(), &[b"countersign/field/1", tenant.as_bytes()])?,
                digest: derive(key.expose(), &[b"countersign/digest/1", tenant.as_bytes()])?,
            };
            if *number == wanted {
                writer = Some(version);
            } else {
                others.push(version);
            }
        }
        others.sort_unstable_by_key(|version| std::cmp::Reverse(version.number));
        let writer = writer.ok_or(KeyError::UnknownVersion(wanted))?;
        Ok(Self(Arc::new(Inner { tenant, writer, others })))
    }

    /// Whose keys these are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// The version that encrypts: the newest, but for the first step of a rotation.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.0.writer.number
    }

    /// All live versions: the one that encrypts, then the others, newest first.
    pub fn versions(&self) -> impl Iterator<Item = u32> + '_ {
        self.live().map(|version| version.number)
    }

    fn live(&self) -> impl Iterator<Item = &Version> {
        std::iter::once(&self.0.writer).chain(&self.0.others)
    }

    /// Encrypts a value for one field: `1 ‖ version (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM, bound to
    /// tenant, table, column, row and version.
    ///
    /// [`KeyError::TooLong`] over 64 KiB.
    pub fn seal(&self, field: Field<'_>, plaintext: &[u8], random: &dyn Random) -> Result<Vec<u8>, KeyError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(KeyError::TooLong(MAX_PLAINTEXT));
        }
        let version = &self.0.writer;
        let mut out = Vec::with_capacity(HEADER_LEN + plaintext.len() + aead::OVERHEAD);
        out.push(FORMAT);
        out.extend_from_slice(&version.number.to_be_bytes());
        aead::seal(&version.field, &self.binding(field, version.number), plaintext, random, &mut out)?;
        Ok(out)
    }

    /// Decrypts what [`seal`](Self::seal) gave for the same field, under whichever live version wrote it.
    ///
    /// [`KeyError::UnknownVersion`] also means that these keys were read before a rotation: read them again, and try once more.
    /// [`KeyError::Guarded`] for a field that [`is_guarded`](Field::is_guarded).
    pub fn open(&self, field: Field<'_>, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
        if field.is_guarded() {
            return Err(KeyError::Guarded);
        }
        self.decrypt(field, sealed)
    }

    /// The same for a guarded field: for its guard, which bounds how often that happens (`store/numbers.rs`), and for nobody else.
    pub fn open_guarded(&self, field: Field<'_>, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
        self.decrypt(field, sealed)
    }

    fn decrypt(&self, field: Field<'_>, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
        let (number, body) = split(sealed).ok_or(KeyError::Malformed("sealed field"))?;
        let version = self.live().find(|version| version.number == number).ok_or(KeyError::UnknownVersion(number))?;
        aead::open(&version.field, &self.binding(field, number), body)
    }

    /// The key version that a sealed value names, without opening it; `None` if it is malformed.
    #[must_use]
    pub fn version_of(sealed: &[u8]) -> Option<u32> {
        split(sealed).map(|(number, _)| number)
    }

    /// The keyed hash of a code or a token under the version that encrypts: what is stored of it.
    ///
    /// HMAC-SHA256 over `parts`, each behind its length, under a key of its own for each `purpose`. A thief of the
    /// database can't try codes against it without the root key.
    #[must_use]
    pub fn digest(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        self.0.writer.digest(purpose, parts)
    }

    /// The keyed hash under every live version, in the order of [`versions`](Self::versions), so that what was stored before a
    /// rotation is still found.
    #[must_use]
    pub fn digest_candidates(&self, purpose: &'static str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.live().map(|version| version.digest(purpose, parts)).collect()
    }

    fn binding(&self, field: Field<'_>, version: u32) -> Vec<u8> {
        codec::bind(&[
            self.0.tenant.as_bytes(),
            field.table.as_bytes(),
            field.column.as_bytes(),
            field.row,
            &version.to_be_bytes(),
        ])
    }
}

impl Version {
    fn digest(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC as the key derivation: one fixed-length output needs no more (it is HKDF-Expand of one block, less its counter).
        let mut key = tag(&hmac::Key::new(hmac::HMAC_SHA256, &self.digest), &[purpose.as_bytes()]);
        let out = tag(&hmac::Key::new(hmac::HMAC_SHA256, &key), parts);
        key.zeroize();
        out
    }
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&codec::length(part));
        context.update(part);
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    out
}

fn split(sealed: &[u8]) -> Option<(u32, &[u8])> {
    let (&FORMAT, rest) = sealed.split_first()? else { return None };
    let (number, body) = rest.split_first_chunk::<4>()?;
    (body.len() >= aead::OVERHEAD).then_some((u32::from_be_bytes(*number), body))
}

/// HKDF-Expand (RFC 5869 §2.3). A tenant key is uniformly random, so it is the pseudorandom key itself.
fn derive(key: &[u8], info: &[&[u8]]) -> Result<[u8; KEY_LEN], KeyError> {
    let refused = || KeyError::Library("derive a key");
    let info = codec::bind(info);
    let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    let mut out = [0; KEY_LEN];
    let info = [info.as_slice()];
    prk.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut out)).map_err(|_| refused())?;
    Ok(out)
}
