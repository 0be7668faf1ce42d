//! Secrets that can't be printed, compared by `==`, or left behind in memory.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that nobody may see: a key, a seed.
#[derive(Clone)]
pub struct SecretBytes(Vec<u8>);

impl Zeroize for SecretBytes {
    fn zeroize(&mut self) {
        self.overwrite();
        self.0.clear();
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl SecretBytes {
    /// All of the room at once, with what isn't used of it: the library does it byte by byte, which is felt where a log of a million rows
    /// is read.
    fn overwrite(&mut self) {
        let room = self.0.capacity();
        self.0.clear();
        self.0.resize(room, 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }

    /// Takes the bytes over.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes. Named so that each use can be found and asked why.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are the same, in a time that doesn't depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        ct_eq(&self.0, other)
    }
}

/// A text that nobody may see: a passcode, a password, an integration's secret key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretString(String);

impl SecretString {
    /// Takes the text over.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text. Named so that each use can be found and asked why.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in a time that doesn't depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &str) -> bool {
        ct_eq(self.0.as_bytes(), other.as_bytes())
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Whether `a` and `b` are the same bytes, in a time that depends on their lengths only.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wiped_is_overwritten_in_its_place() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[7; 48]);
        let (at, room) = (bytes.as_ptr(), bytes.capacity());
        let mut secret = SecretBytes::new(bytes);
        secret.overwrite();
        assert!(secret.0.as_ptr() == at && secret.0 == vec![0; room], "all of the room, and none elsewhere");
        secret.zeroize();
        assert!(secret.expose().is_empty());
    }
}
