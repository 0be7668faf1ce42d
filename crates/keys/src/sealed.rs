//! Sealing to a tenant: the server writes what only the tenant can read.
//!
//! HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. The private key is made in the tenant's
//! browser or command line and never reaches the server. Every sealed row has one length, so that it doesn't tell how
//! long the number or the carrier's name was:
//!
//! ```text
//! format 1 (1) ‖ key id (8) ‖ encapsulated key (32) ‖ ciphertext of [length (2, big-endian) ‖ plaintext ‖ zeros] (512) ‖ tag (16)
//! info = bind("countersign/message-log/1", tenant)      aad = bind(message id)      (bind: each part behind its length, 4 bytes)
//! ```
//!
//! Key texts are Bech32m: `cspub1…` and `cssec1…`, over a byte for the suite (1) and the 32 bytes of the key.

use crate::{KeyError, bech32, codec};
use aws_lc_rs::digest::{SHA256, digest};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
    setup_receiver, setup_sender_with_rng,
};
use std::convert::Infallible;
use types::{
    Random, SecretBytes, SecretString,
    id::{MessageId, TenantId},
};
use zeroize::Zeroizing;

/// The longest plaintext of a row, in bytes.
pub const MAX_PLAINTEXT: usize = PADDED_LEN - 2;
/// The length of every sealed row, in bytes.
pub const SEALED_LEN: usize = 1 + KEY_ID_LEN + ENCAPPED_LEN + PADDED_LEN + TAG_LEN;

const FORMAT: u8 = 1;
const SUITE: u8 = 1;
const PADDED_LEN: usize = 512;
const KEY_ID_LEN: usize = 8;
const ENCAPPED_LEN: usize = 32;
const TAG_LEN: usize = 16;
const PUBLIC_PREFIX: &str = "cspub";
const SECRET_PREFIX: &str = "cssec";

type Kem = X25519HkdfSha256;

/// The tenant's public key: the server keeps it and seals to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenantPublicKey(<Kem as hpke::Kem>::PublicKey);

/// The tenant's private key: it opens what was sealed. It exists in the tenant's browser or command line only.
#[derive(Clone)]
pub struct TenantPrivateKey(<Kem as hpke::Kem>::PrivateKey);

impl TenantPublicKey {
    /// Reads `cspub1…`.
    ///
    /// A point of small order is refused here: sealing to it would fail, and the rows would be lost.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let bytes = bech32::decode(PUBLIC_PREFIX, text.trim_ascii())?;
        match bytes.expose().split_first() {
            Some((&SUITE, key)) => Self::from_bytes(key),
            _ => Err(KeyError::Malformed("public key")),
        }
    }

    /// Takes the 32 bytes of RFC 7748; refuses a point of small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::Malformed("public key");
        let key = Self(<Kem as hpke::Kem>::PublicKey::from_bytes(bytes).map_err(malformed)?);
        // A trial with a fixed ephemeral key: only its success counts.
        Kem::encap_with_rng(&key.0, None, &mut Chance(&Fixed)).map_err(malformed)?;
        Ok(key)
    }

    /// `cspub1…`
    #[must_use]
    pub fn to_text(&self) -> String {
        // 33 bytes always fit.
        bech32::encode(PUBLIC_PREFIX, &suite_and(&self.0.to_bytes())).unwrap_or_default()
    }

    /// The 32 bytes of RFC 7748.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// Eight bytes that name this key, as they stand in each sealed row.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_LEN] {
        digest(&SHA256, &self.to_bytes()).as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Seals the private part of a message-log row: always [`SEALED_LEN`] bytes. [`KeyError::TooLong`] over [`MAX_PLAINTEXT`].
    pub fn seal(
        &self,
        tenant: TenantId,
        message: MessageId,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyError> {
        let (encapped, ciphertext) = seal_to(&self.0, &info(tenant), &aad(message), &pad(plaintext)?, random)?;
        let mut out = Vec::with_capacity(SEALED_LEN);
        out.push(FORMAT);
        out.extend_from_slice(&self.id());
        out.extend_from_slice(&encapped);
        out.extend_from_slice(&ciphertext);
        Ok(out)
    }
}

impl TenantPrivateKey {
    /// Makes one.
    pub fn generate(random: &dyn Random) -> Self {
        Self(Kem::gen_keypair_with_rng(&mut Chance(random)).0)
    }

    /// Reads `cssec1…`.
    pub fn from_text(text: &SecretString) -> Result<Self, KeyError> {
        let bytes = bech32::decode(SECRET_PREFIX, text.expose().trim_ascii())?;
        match bytes.expose().split_first() {
            Some((&SUITE, key)) => Ok(Self(
                <Kem as hpke::Kem>::PrivateKey::from_bytes(key).map_err(|_| KeyError::Malformed("private key"))?,
            )),
            _ => Err(KeyError::Malformed("private key")),
        }
    }

    /// `cssec1…`
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let bytes = Zeroizing::new(<[u8; 32]>::from(self.0.to_bytes()));
        SecretString::new(bech32::encode(SECRET_PREFIX, &suite_and(bytes.as_slice())).unwrap_or_default())
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> TenantPublicKey {
        TenantPublicKey(Kem::sk_to_pk(&self.0))
    }

    /// Opens a sealed row. [`KeyError::Refused`] if it was changed, or sealed to another key, for another tenant or message.
    pub fn open(&self, tenant: TenantId, message: MessageId, sealed: &[u8]) -> Result<SecretBytes, KeyError> {
        let row = split(sealed).ok_or(KeyError::Malformed("sealed row"))?;
        if *row.key_id != self.public().id() {
            return Err(KeyError::Refused);
        }
        unpad(&open_with(&self.0, &info(tenant), &aad(message), row.encapped, row.ciphertext)?)
    }
}

/// One message in HPKE's base mode: the encapsulated key, and the ciphertext with its tag.
fn seal_to(
    key: &<Kem as hpke::Kem>::PublicKey,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<([u8; ENCAPPED_LEN], Vec<u8>), KeyError> {
    let refused = |_| KeyError::Library("seal");
    let (encapped, mut context) =
        setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeS::Base, key, info, &mut Chance(random))
            .map_err(refused)?;
    Ok((encapped.to_bytes().into(), context.seal(plaintext, aad).map_err(refused)?))
}

/// Opens what [`seal_to`] gave.
fn open_with(
    key: &<Kem as hpke::Kem>::PrivateKey,
    info: &[u8],
    aad: &[u8],
    encapped: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let refused = |_| KeyError::Refused;
    let encapped = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapped).map_err(refused)?;
    let mut context =
        setup_receiver::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeR::Base, key, &encapped, info).map_err(refused)?;
    context.open(ciphertext, aad).map(Zeroizing::new).map_err(refused)
}

/// The id of the public key that a row was sealed to; `None` if the row is malformed. A tenant that has changed its key finds
/// the right private key by it.
#[must_use]
pub fn key_id_of(sealed: &[u8]) -> Option<[u8; KEY_ID_LEN]> {
    split(sealed).map(|row| *row.key_id)
}

struct Row<'a> {
    key_id: &'a [u8; KEY_ID_LEN],
    encapped: &'a [u8],
    ciphertext: &'a [u8],
}

fn split(sealed: &[u8]) -> Option<Row<'_>> {
    if sealed.len() != SEALED_LEN {
        return None;
    }
    let (&FORMAT, rest) = sealed.split_first()? else { return None };
    let (key_id, rest) = rest.split_first_chunk()?;
    let (encapped, ciphertext) = rest.split_at_checked(ENCAPPED_LEN)?;
    Some(Row { key_id, encapped, ciphertext })
}

fn pad(plaintext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let too_long = KeyError::TooLong(MAX_PLAINTEXT);
    let length = match u16::try_from(plaintext.len()) {
        Ok(length) if plaintext.len() <= MAX_PLAINTEXT => length,
        _ => return Err(too_long),
    };
    let mut padded = Zeroizing::new(Vec::with_capacity(PADDED_LEN));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(PADDED_LEN, 0);
    Ok(padded)
}

fn unpad(padded: &[u8]) -> Result<SecretBytes, KeyError> {
    let inner = || {
        let (length, rest) = padded.split_first_chunk()?;
        let (plaintext, zeros) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        zeros.iter().all(|byte| *byte == 0).then(|| SecretBytes::new(plaintext.to_vec()))
    };
    inner().ok_or(KeyError::Malformed("sealed row"))
}

fn info(tenant: TenantId) -> Vec<u8> {
    codec::bind(&[b"countersign/message-log/1", tenant.as_bytes()])
}

fn aad(message: MessageId) -> Vec<u8> {
    codec::bind(&[message.as_bytes()])
}

fn suite_and(key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 + key.len()));
    bytes.push(SUITE);
    bytes.extend_from_slice(key);
    bytes
}

/// The house's chance, in the form that the HPKE library takes.
struct Chance<'a>(&'a dyn Random);

impl TryRng for Chance<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Chance<'_> {}

/// No chance at all, for the trial that nothing is sealed with.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(9);
    }
}

#[cfg(test)]
mod tests;
