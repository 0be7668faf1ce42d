//! Algorithms by their URIs (RFC 6931; xmldsig-core1, section 6). What isn't in these tables doesn't exist.

use aws_lc_rs::{digest, signature};

use crate::key::Kind;

/// Exclusive XML Canonicalization 1.0.
pub(crate) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(crate) const EXCLUSIVE_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// Canonical XML 1.0.
pub(crate) const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub(crate) const INCLUSIVE_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

pub(crate) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// A hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the URI of a `DigestMethod`.
    pub(crate) fn by_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2000/09/xmldsig#sha1" => Self::Sha1,
            SHA256 => Self::Sha256,
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Self::Sha384,
            "http://www.w3.org/2001/04/xmlenc#sha512" => Self::Sha512,
            _ => return None,
        })
    }

    pub(crate) fn digest(self, octets: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, octets)
    }
}

/// A signature's algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) is_rsa: bool,
    pub(crate) hash: Hash,
}

impl Signature {
    /// By the URI of a `SignatureMethod`.
    pub(crate) fn by_uri(uri: &str) -> Option<Self> {
        let (is_rsa, hash) = match uri {
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1" => (true, Hash::Sha1),
            RSA_SHA256 => (true, Hash::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => (true, Hash::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => (true, Hash::Sha512),
            ECDSA_SHA256 => (false, Hash::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => (false, Hash::Sha384),
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => (false, Hash::Sha512),
            _ => return None,
        };
        Some(Self { is_rsa, hash })
    }

    /// What verifies it with a key of `kind`; nothing if the two don't fit. RSA keys have 2048 to 8192 bits.
    pub(crate) fn verifier(self, kind: Kind) -> Option<&'static dyn signature::VerificationAlgorithm> {
        Some(match (kind, self.is_rsa, self.hash) {
            (Kind::Rsa, true, Hash::Sha1) => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            (Kind::Rsa, true, Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa, true, Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa, true, Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Kind::P256, false, Hash::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Kind::P256, false, Hash::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Kind::P256, false, Hash::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Kind::P384, false, Hash::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Kind::P384, false, Hash::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Kind::P384, false, Hash::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Kind::P521, false, Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Kind::P521, false, Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Kind::P521, false, Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
            _ => return None,
        })
    }
}
