//! XML Encryption 1.1: one element, a fresh content key, RSA-OAEP around it.
//!
//! A content that was decrypted is as unverified as any other: everybody has the public key. Whoever encrypts inside what is signed
//! gives [`Verified::decrypt`](crate::Verified::decrypt) its reason. RSA with PKCS #1 v1.5 padding doesn't exist here: its errors tell
//! the content key (Bleichenbacher).

mod cipher;
mod open;
mod seal;

pub use open::{DecryptionKey, decrypt};
pub use seal::encrypt;

use crate::XmlError;

const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = crate::algorithm::SHA256;
const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";

/// How the content is encrypted (xmlenc-core1, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentCipher {
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
    /// AES-128-CBC, for service providers that know nothing else: nothing in it notices that it was changed. It is decrypted only
    /// inside what was signed.
    Aes128Cbc,
    /// AES-256-CBC; as AES-128-CBC.
    Aes256Cbc,
}

impl ContentCipher {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Aes128Gcm, "http://www.w3.org/2009/xmlenc11#aes128-gcm"),
        (Self::Aes256Gcm, "http://www.w3.org/2009/xmlenc11#aes256-gcm"),
        (Self::Aes128Cbc, "http://www.w3.org/2001/04/xmlenc#aes128-cbc"),
        (Self::Aes256Cbc, "http://www.w3.org/2001/04/xmlenc#aes256-cbc"),
    ];

    /// By the URI that metadata and messages use.
    #[must_use]
    pub fn by_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, own)| *own == uri).map(|(cipher, _)| cipher)
    }

    /// Its URI.
    #[must_use]
    pub fn uri(self) -> &'static str {
        Self::ALL.into_iter().find(|(own, _)| *own == self).map_or("", |(_, uri)| uri)
    }

    const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// How the content's key is encrypted (xmlenc-core1, 5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyTransport {
    /// RSA-OAEP with SHA-1 (`rsa-oaep-mgf1p`): what every peer knows. SHA-1's weakness, collisions, doesn't matter in it.
    #[default]
    OaepSha1,
    /// RSA-OAEP with SHA-256 and MGF1 with SHA-256 (XML Encryption 1.1).
    OaepSha256,
}

/// Why nothing was encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionError {
    /// The element isn't built as it must be, or what was in it isn't XML within the limits.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// An algorithm that isn't known, or not accepted here.
    #[error("an algorithm that isn't accepted")]
    Algorithm,
    /// Not an RSA key.
    #[error("contents are encrypted to RSA keys only")]
    Kind,
    /// None of the keys opens it, or it was changed. One error for both: whoever guesses learns nothing.
    #[error("the content can't be decrypted")]
    Closed,
}
