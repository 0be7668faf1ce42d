//! A tenant's own key pair: the server seals with the public half what only the private half opens.
//!
//! HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: a suite that every browser's WebCrypto has. The
//! private key is made in the tenant's browser or command line and never reaches the server. What is sealed with it stands in
//! [`crate::segment`].
//!
//! Key texts are Bech32m: `cspub1…` and `cssec1…`, over a byte for the suite (2) and the 32 bytes of the key.

use crate::{KeyError, bech32};
use aws_lc_rs::digest::{SHA256, digest};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable,
    aead::{Aead, AesGcm256},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
    setup_receiver, setup_sender_with_rng,
};
use std::convert::Infallible;
use types::{Random, SecretString};
use zeroize::Zeroizing;

/// Bytes that name a public key.
pub(crate) const KEY_ID_LEN: usize = 8;
/// Bytes of an encapsulated key.
pub(crate) const ENCAPPED_LEN: usize = 32;
const SUITE: u8 = 2;
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

    /// Eight bytes that name this key, as they stand in the headers of the log.
    #[must_use]
    pub fn id(&self) -> [u8; KEY_ID_LEN] {
        digest(&SHA256, &self.to_bytes()).as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Appends what HPKE gives for `plaintext`: the encapsulated key, and the ciphertext with its tag.
    pub(crate) fn seal_into(
        &self,
        info: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), KeyError> {
        let (encapped, ciphertext) = seal_to::<AesGcm256>(&self.0, info, &[], plaintext, random)?;
        out.extend_from_slice(&encapped);
        out.extend_from_slice(&ciphertext);
        Ok(())
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

    /// Opens what [`TenantPublicKey::seal_into`] appended; [`KeyError::Refused`] if it was changed or is for another key.
    pub(crate) fn open_sealed(&self, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (encapped, ciphertext) = sealed.split_at_checked(ENCAPPED_LEN).ok_or(KeyError::Malformed("sealed key"))?;
        open_with::<AesGcm256>(&self.0, info, &[], encapped, ciphertext)
    }
}

/// One message in HPKE's base mode: the encapsulated key, and the ciphertext with its tag.
fn seal_to<A: Aead>(
    key: &<Kem as hpke::Kem>::PublicKey,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<([u8; ENCAPPED_LEN], Vec<u8>), KeyError> {
    let refused = |_| KeyError::Library("seal");
    let (encapped, mut context) =
        setup_sender_with_rng::<A, HkdfSha256, Kem>(&OpModeS::Base, key, info, &mut Chance(random)).map_err(refused)?;
    Ok((encapped.to_bytes().into(), context.seal(plaintext, aad).map_err(refused)?))
}

/// Opens what [`seal_to`] gave.
fn open_with<A: Aead>(
    key: &<Kem as hpke::Kem>::PrivateKey,
    info: &[u8],
    aad: &[u8],
    encapped: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let refused = |_| KeyError::Refused;
    let encapped = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapped).map_err(refused)?;
    let mut context = setup_receiver::<A, HkdfSha256, Kem>(&OpModeR::Base, key, &encapped, info).map_err(refused)?;
    context.open(ciphertext, aad).map(Zeroizing::new).map_err(refused)
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
