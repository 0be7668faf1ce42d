//! Keys: given by the caller, never taken from a document.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{self, EcdsaKeyPair, KeyPair as _},
};
use types::SecretBytes;
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer as _, public_key::PublicKey as Parsed, x509::SubjectPublicKeyInfo,
};

use crate::{algorithm, base64};

/// Why a key or a certificate wasn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a certificate, or not a key.
    #[error("not a certificate or key that can be read")]
    Unreadable,
    /// Neither RSA nor ECDSA on P-256, P-384 or P-521.
    #[error("a kind of key that isn't used here")]
    Kind,
    /// RSA of fewer than 2048 or more than 8192 bits.
    #[error("an RSA key of fewer than 2048 or more than 8192 bits")]
    Size,
    /// The certificate is another key's.
    #[error("the certificate belongs to another key")]
    Pair,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
    P521,
}

/// A key that signatures are verified with, or that contents are encrypted to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    pub(crate) kind: Kind,
    /// RFC 8017 `RSAPublicKey`, or the uncompressed point.
    pub(crate) raw: Vec<u8>,
    /// RFC 5280 `SubjectPublicKeyInfo`.
    pub(crate) spki: Vec<u8>,
}

impl PublicKey {
    /// The key in an X.509 certificate. Nothing else of the certificate counts: SAML's trust is the metadata's
    /// (saml-metadata-2.0-os, 2.4.1.1), so neither its names nor its dates are looked at.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_certificate(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| KeyError::Unreadable)?;
        if !rest.is_empty() {
            return Err(KeyError::Unreadable);
        }
        Self::from_parsed(certificate.public_key())
    }

    /// A certificate as base64, with or without line breaks, or as PEM.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_certificate_text(text: &str) -> Result<Self, KeyError> {
        Self::from_certificate(&certificate_der(text)?)
    }

    fn from_parsed(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        let raw = info.subject_public_key.data.to_vec();
        let kind = match info.parsed().map_err(|_| KeyError::Unreadable)? {
            Parsed::RSA(key) => {
                if !(2048..=8192).contains(&key.key_size()) {
                    return Err(KeyError::Size);
                }
                Kind::Rsa
            }
            Parsed::EC(_) => {
                let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
                match curve.map(|curve| curve.to_id_string()).as_deref() {
                    Some("1.2.840.10045.3.1.7") => Kind::P256,
                    Some("1.3.132.0.34") => Kind::P384,
                    Some("1.3.132.0.35") => Kind::P521,
                    _ => return Err(KeyError::Kind),
                }
            }
            _ => return Err(KeyError::Kind),
        };
        Ok(Self { kind, raw, spki: info.raw.to_vec() })
    }

    /// Its `SubjectPublicKeyInfo`, in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether `signature`, in the form of XML Signature, is this key's over `octets`.
    pub(crate) fn verifies(&self, how: algorithm::Signature, octets: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = how.verifier(self.kind) else { return false };
        let key = signature::UnparsedPublicKey::new(algorithm, &self.raw);
        match self.kind {
            Kind::Rsa => key.verify(octets, signature).is_ok(),
            Kind::P256 => der_signature(signature, 32).is_some_and(|der| key.verify(octets, &der).is_ok()),
            Kind::P384 => der_signature(signature, 48).is_some_and(|der| key.verify(octets, &der).is_ok()),
            Kind::P521 => der_signature(signature, 66).is_some_and(|der| key.verify(octets, &der).is_ok()),
        }
    }
}

/// The key of a `SubjectPublicKeyInfo` in DER, without a certificate around it.
///
/// # Errors
/// [`KeyError`].
pub fn from_spki(der: &[u8]) -> Result<PublicKey, KeyError> {
    let (rest, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyError::Unreadable)?;
    if !rest.is_empty() {
        return Err(KeyError::Unreadable);
    }
    PublicKey::from_parsed(&info)
}

/// DER of a certificate given as base64 or PEM.
pub(crate) fn certificate_der(text: &str) -> Result<Vec<u8>, KeyError> {
    let inner = match text.split_once("-----BEGIN CERTIFICATE-----") {
        Some((_, rest)) => rest.split_once("-----END CERTIFICATE-----").ok_or(KeyError::Unreadable)?.0,
        None => text,
    };
    base64::decode(inner).map_err(|_| KeyError::Unreadable)
}

/// `r || s`, each of `size` octets (xmldsig-core1, 6.4.3), as `SEQUENCE { INTEGER r, INTEGER s }`.
fn der_signature(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    if signature.len() != size.checked_mul(2)? {
        return None;
    }
    let (r, s) = signature.split_at_checked(size)?;
    let mut both = integer(r)?;
    both.extend(integer(s)?);
    // P-521's two integers take up to 138 octets: the length then needs an octet of its own.
    let length = u8::try_from(both.len()).ok()?;
    let mut der = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
    der.extend(both);
    Some(der)
}

fn integer(octets: &[u8]) -> Option<Vec<u8>> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(octets.len().checked_sub(1)?);
    let digits = octets.get(zeros..)?;
    let padded = digits.first().is_some_and(|first| *first >= 0x80);
    let length = u8::try_from(digits.len().checked_add(usize::from(padded))?).ok()?;
    let mut der = vec![0x02, length];
    if padded {
        der.push(0);
    }
    der.extend_from_slice(digits);
    Some(der)
}

/// A key that signs, with its certificate.
pub struct SigningKey {
    pair: Pair,
    certificate: Vec<u8>,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// An RSA key of at least 2048 bits or an ECDSA key on P-256, as PKCS #8 in DER, and its certificate in DER.
    ///
    /// # Errors
    /// [`KeyError`], also if the two don't belong together.
    pub fn from_pkcs8(pkcs8: &SecretBytes, certificate: Vec<u8>) -> Result<Self, KeyError> {
        let public = PublicKey::from_certificate(&certificate)?;
        let (pair, raw) = match public.kind {
            Kind::Rsa => {
                let pair = rsa::KeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| KeyError::Unreadable)?;
                let raw = pair.public_key().as_ref().to_vec();
                (Pair::Rsa(Box::new(pair)), raw)
            }
            Kind::P256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
                    .map_err(|_| KeyError::Unreadable)?;
                let raw = pair.public_key().as_ref().to_vec();
                (Pair::P256(pair), raw)
            }
            Kind::P384 | Kind::P521 => return Err(KeyError::Kind),
        };
        if raw == public.raw { Ok(Self { pair, certificate }) } else { Err(KeyError::Pair) }
    }

    /// Its certificate, in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) const fn algorithm_uri(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => algorithm::RSA_SHA256,
            Pair::P256(_) => algorithm::ECDSA_SHA256,
        }
    }

    /// Signs with SHA-256, in the form of XML Signature. Nothing if the library refuses.
    pub(crate) fn sign(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, octets, &mut signature).ok()?;
                Some(signature)
            }
            Pair::P256(pair) => pair.sign(&random, octets).ok().map(|signature| signature.as_ref().to_vec()),
        }
    }
}
