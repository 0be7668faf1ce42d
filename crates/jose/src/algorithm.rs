//! Names of signature algorithms (RFC 7518 §3.1, RFC 8037, RFC 9864), and sets of them.

use std::fmt;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// Ed25519, by the name of RFC 8037.
    EdDsa,
    /// Ed25519, by the name of RFC 9864.
    Ed25519,
    /// HMAC with SHA-256. For secrets that both sides have.
    Hs256,
}

impl Algorithm {
    /// All that are known.
    pub const ALL: [Self; 6] = [Self::Es256, Self::Rs256, Self::Ps256, Self::EdDsa, Self::Ed25519, Self::Hs256];

    /// The name in a header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of that name, letter for letter: `none` and its spellings are none of them.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The algorithms that a caller accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Algorithms(u8);

impl Algorithms {
    /// Each with a public key.
    pub const ASYMMETRIC: Self =
        Self::of(&[Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Ed25519]);
    /// What FAPI 2.0 allows (Security Profile §5.4).
    pub const FAPI: Self = Self::of(&[Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Ed25519]);
    /// HMAC alone.
    pub const HMAC: Self = Self::of(&[Algorithm::Hs256]);

    /// These.
    #[must_use]
    pub const fn of(list: &[Algorithm]) -> Self {
        let (mut bits, mut rest) = (0, list);
        while let [first, others @ ..] = rest {
            bits |= first.bit();
            rest = others;
        }
        Self(bits)
    }

    /// Whether `algorithm` is one of them.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in one of them.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their names, for metadata.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        Algorithm::ALL.into_iter().filter(|one| self.contains(*one)).map(Algorithm::name).collect()
    }
}

impl From<Algorithm> for Algorithms {
    fn from(one: Algorithm) -> Self {
        Self(one.bit())
    }
}
