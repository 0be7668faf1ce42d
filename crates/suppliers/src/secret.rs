//! Credentials as they stand in a configuration.

use serde::{Deserialize, Deserializer, de};
use std::fmt;
use types::SecretString;

/// A credential. An error about it never repeats it, which is why it is read by a visitor of its own.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text over.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(SecretString::new(text))
    }

    /// The credential. Named so that each use can be found and asked why.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Reader {
    fn checked<E: de::Error>(text: &str) -> Result<Secret, E> {
        if text.is_empty() || text.len() > 8192 {
            return Err(E::custom("a credential is empty or too long"));
        }
        Ok(Secret::new(text.to_owned()))
    }
}

impl de::Visitor<'_> for Reader {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a credential in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Self::checked(text)
    }

    // Digits without quotes: serde's own error would print them.
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom("a credential must stand in quotes"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(E::custom("a credential must stand in quotes"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom("a credential must stand in quotes"))
    }
}
