//! Keys that verify, parsed once.

use crate::{Algorithm, Algorithms, JoseError, Jwk, JwkSet, PublicKey};
use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        RsaPublicKeyComponents,
    },
};
use std::sync::Arc;

/// Bytes that an HMAC secret must have at least (RFC 7518 §3.2).
pub(crate) const LEAST_SECRET: usize = 32;
/// Keys that are tried for a token that names none.
const MAX_TRIED: usize = 16;

/// A key that verifies. Cloning shares it.
#[derive(Clone)]
pub struct VerifyKey(Arc<Inner>);

struct Inner {
    kind: Kind,
    kid: Option<String>,
    /// The only algorithm that it is for.
    alg: Option<Algorithm>,
}

enum Kind {
    P256(ParsedPublicKey),
    Rsa { pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
    Ed25519(ParsedPublicKey),
    // Much larger than the others, which stand behind a pointer of the library's.
    Hmac(Box<hmac::Key>),
}

impl VerifyKey {
    /// Parses a public key. [`JoseError::Key`] if it isn't on its curve, or its numbers don't make a key.
    pub fn new(jwk: &Jwk) -> Result<Self, JoseError> {
        let refused = |_| JoseError::Key("its numbers");
        let kind = match &jwk.key {
            PublicKey::P256 { x, y } => {
                let point = [&[4_u8][..], x, y].concat();
                Kind::P256(ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(refused)?)
            }
            PublicKey::Rsa { n, e } => {
                let numbers = RsaPublicKeyComponents { n, e };
                Kind::Rsa {
                    pkcs1: numbers.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).map_err(refused)?,
                    pss: numbers.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).map_err(refused)?,
                }
            }
            PublicKey::Ed25519 { x } => Kind::Ed25519(ParsedPublicKey::new(&ED25519, x).map_err(refused)?),
        };
        let key = Self(Arc::new(Inner { kind, kid: jwk.kid.clone(), alg: jwk.alg }));
        match jwk.alg {
            Some(alg) if !key.fits(alg) => Err(JoseError::Algorithm),
            _ => Ok(key),
        }
    }

    /// A secret that both sides have, for HS256 alone. [`JoseError::Key`] under 32 bytes.
    pub fn hmac(secret: &[u8]) -> Result<Self, JoseError> {
        if secret.len() < LEAST_SECRET {
            return Err(JoseError::Key("its length"));
        }
        let kind = Kind::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        Ok(Self(Arc::new(Inner { kind, kid: None, alg: Some(Algorithm::Hs256) })))
    }

    /// Its name.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Whether `algorithm` can be used with a key of this kind: never HMAC with a public key.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let by_kind = matches!(
            (&self.0.kind, algorithm),
            (Kind::P256(_), Algorithm::Es256)
                | (Kind::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
                | (Kind::Ed25519(_), Algorithm::EdDsa | Algorithm::Ed25519)
                | (Kind::Hmac(_), Algorithm::Hs256)
        );
        let same = |alg: Algorithm| {
            let ed = |one| matches!(one, Algorithm::EdDsa | Algorithm::Ed25519);
            alg == algorithm || (ed(alg) && ed(algorithm))
        };
        by_kind && self.0.alg.is_none_or(same)
    }

    /// Whether `signature` is `message`'s. [`JoseError::Algorithm`] if the key isn't for `algorithm`.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        if !self.fits(algorithm) {
            return Err(JoseError::Algorithm);
        }
        let right = match (&self.0.kind, algorithm) {
            (Kind::P256(key) | Kind::Ed25519(key), _) => key.verify_sig(message, signature),
            (Kind::Rsa { pss, .. }, Algorithm::Ps256) => pss.verify_sig(message, signature),
            (Kind::Rsa { pkcs1, .. }, _) => pkcs1.verify_sig(message, signature),
            (Kind::Hmac(key), _) => hmac::verify(key, message, signature),
        };
        right.map_err(|_| JoseError::Signature)
    }
}

/// The keys of one signer. Cloning shares them.
#[derive(Clone)]
pub struct KeySet(Arc<[VerifyKey]>);

impl KeySet {
    /// These keys.
    #[must_use]
    pub fn new(keys: Vec<VerifyKey>) -> Self {
        Self(keys.into())
    }

    /// Parses a set; keys whose numbers make none are left out.
    #[must_use]
    pub fn from_jwks(set: &JwkSet) -> Self {
        Self(set.keys.iter().filter_map(|jwk| VerifyKey::new(jwk).ok()).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one has that name.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid() == Some(kid))
    }

    /// Verifies with the key that is named, or, where none is named, with each that could have signed. Keys without a name are tried only if
    /// none has the wanted one.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        allowed: Algorithms,
        kid: Option<&str>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JoseError> {
        if !allowed.contains(algorithm) {
            return Err(JoseError::Algorithm);
        }
        let named = kid.is_some_and(|kid| self.has(kid));
        let fits_name = |key: &&VerifyKey| match kid {
            None => true,
            Some(kid) if named => key.kid() == Some(kid),
            Some(_) => key.kid().is_none(),
        };
        let candidates = self.0.iter().filter(fits_name);
        let mut error = JoseError::UnknownKey;
        for key in candidates.filter(|key| key.fits(algorithm)).take(MAX_TRIED) {
            match key.verify(algorithm, message, signature) {
                Ok(()) => return Ok(()),
                Err(found) => error = found,
            }
        }
        // A named key that is for another algorithm.
        Err(if error == JoseError::UnknownKey && named { JoseError::Algorithm } else { error })
    }
}

impl From<VerifyKey> for KeySet {
    fn from(key: VerifyKey) -> Self {
        Self::new(vec![key])
    }
}
