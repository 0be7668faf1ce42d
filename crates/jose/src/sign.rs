//! Keys that sign, parsed once.

use crate::{Algorithm, JoseError, Jwk, PublicKey, base64, verify::LEAST_SECRET};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    },
};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use types::SecretBytes;

/// A key that signs with one algorithm. Cloning shares it.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    kind: Kind,
    algorithm: Algorithm,
    kid: Option<String>,
    public: Option<Jwk>,
}

enum Kind {
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
    // Much larger than the others, which stand behind a pointer of the library's.
    Hmac(Box<hmac::Key>),
}

impl SigningKey {
    /// Makes a key and gives it with its private part, PKCS #8 in DER. RSA has 2048 bits and takes up to a second: call it where nothing else
    /// waits. [`JoseError::Algorithm`] for HMAC.
    pub fn generate(algorithm: Algorithm) -> Result<(Self, SecretBytes), JoseError> {
        let failed = |_| JoseError::Signing;
        let der = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                SecretBytes::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
            Algorithm::EdDsa | Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                SecretBytes::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                SecretBytes::new(der.as_ref().to_vec())
            }
            Algorithm::Hs256 => return Err(JoseError::Algorithm),
        };
        Ok((Self::from_pkcs8(algorithm, der.expose())?, der))
    }

    /// Parses a private key in PKCS #8. Its name is its thumbprint (RFC 7638). [`JoseError::Key`] if it isn't one for `algorithm`.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, JoseError> {
        let refused = |_| JoseError::Key("not a private key for its algorithm");
        let word = |bytes: Option<&[u8]>| {
            bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or(JoseError::Key("its length"))
        };
        let (kind, public) = match algorithm {
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(refused)?;
                let point = pair.public_key().as_ref();
                let public = PublicKey::P256 { x: word(point.get(1..33))?, y: word(point.get(33..))? };
                (Kind::P256(pair), public)
            }
            Algorithm::EdDsa | Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(refused)?;
                let public = PublicKey::Ed25519 { x: word(Some(pair.public_key().as_ref()))? };
                (Kind::Ed25519(pair), public)
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = rsa::KeyPair::from_pkcs8(der).map_err(refused)?;
                let (n, e) = {
                    let key = pair.public_key();
                    (key.modulus(), key.exponent())
                };
                let public = PublicKey::Rsa {
                    n: n.big_endian_without_leading_zero().to_vec(),
                    e: e.big_endian_without_leading_zero().to_vec(),
                };
                (Kind::Rsa(pair), public)
            }
            Algorithm::Hs256 => return Err(JoseError::Algorithm),
        };
        let kid = public.thumbprint();
        let public = Jwk { key: public, kid: Some(kid.clone()), alg: Some(algorithm), is_for_signatures: true };
        Ok(Self(Arc::new(Inner { kind, algorithm, kid: Some(kid), public: Some(public) })))
    }

    /// A secret that both sides have, for HS256. [`JoseError::Key`] under 32 bytes.
    pub fn hmac(secret: &[u8]) -> Result<Self, JoseError> {
        if secret.len() < LEAST_SECRET {
            return Err(JoseError::Key("its length"));
        }
        let kind = Kind::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        Ok(Self(Arc::new(Inner { kind, algorithm: Algorithm::Hs256, kid: None, public: None })))
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Its name; none for HMAC.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// Its public part; none for HMAC.
    #[must_use]
    pub fn jwk(&self) -> Option<&Jwk> {
        self.0.public.as_ref()
    }

    /// Signs claims as a compact JWS. `typ` stands in the header, without `application/`; every kind of token has its own, so that none is
    /// taken for another (RFC 8725 §3.11).
    pub fn sign_jwt(&self, typ: Option<&str>, claims: &impl Serialize) -> Result<String, JoseError> {
        let mut header = serde_json::Map::new();
        header.insert("alg".to_owned(), Value::from(self.0.algorithm.name()));
        if let Some(typ) = typ {
            header.insert("typ".to_owned(), Value::from(typ));
        }
        if let Some(kid) = self.kid() {
            header.insert("kid".to_owned(), Value::from(kid));
        }
        self.sign_under(&Value::Object(header), claims)
    }

    /// Signs claims under exactly this header, as a compact JWS.
    pub(crate) fn sign_under(&self, header: &Value, claims: &impl Serialize) -> Result<String, JoseError> {
        let claims = serde_json::to_vec(claims).map_err(|_| JoseError::Malformed("claims"))?;
        let mut text = base64::encode(header.to_string().as_bytes());
        text.push('.');
        text.push_str(&base64::encode(&claims));
        let signature = self.sign(text.as_bytes())?;
        text.push('.');
        text.push_str(&base64::encode(&signature));
        Ok(text)
    }

    /// Signs octets: the signature as JWS writes it (RFC 7518 §3).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let failed = |_| JoseError::Signing;
        match &self.0.kind {
            Kind::P256(pair) => Ok(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec()),
            Kind::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Kind::Rsa(pair) => {
                let padding = if self.0.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Kind::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}
