//! The root key: the one secret that everything else hangs on, behind a trait.

use crate::KeyError;
use types::{Random, SecretBytes};

/// Wraps tenant keys. A file ([`crate::FileRoot`]) and a PKCS#11 token ([`crate::Pkcs11Root`]) are here; a key
/// management service is one more implementation.
///
/// Both operations may do I/O and block: a caller on an async runtime goes through `spawn_blocking`.
pub trait RootKey: Send + Sync {
    /// The name of the key that [`wrap`](Self::wrap) uses, the same for the life of the value, such as `file:3f9a0c51e7b2d846`.
    fn id(&self) -> &str;

    /// Whether [`unwrap`](Self::unwrap) can open what the root key named `id` wrapped.
    fn opens(&self, id: &str) -> bool {
        id == self.id()
    }

    /// Encrypts `key`. Only the same `context` opens it again.
    fn wrap(&self, key: &SecretBytes, context: &[u8], random: &dyn Random) -> Result<Vec<u8>, KeyError>;

    /// Opens what [`wrap`](Self::wrap) gave; [`KeyError::Refused`] for a changed value or another context.
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, KeyError>;
}

/// The layout that the roots of this crate write: `1 ‖ key tag (8) ‖ nonce (12) ‖ ciphertext ‖ GCM tag (16)`.
pub(crate) mod layout {
    use crate::KeyError;

    /// Names one root key among several: the second half of a root's id.
    pub(crate) type KeyTag = [u8; 8];

    const FORMAT: u8 = 1;

    /// The bytes before the nonce.
    pub(crate) fn header(tag: KeyTag) -> Vec<u8> {
        let mut out = Vec::with_capacity(9 + 32 + crate::aead::OVERHEAD);
        out.push(FORMAT);
        out.extend_from_slice(&tag);
        out
    }

    /// The key's tag, and what follows it.
    pub(crate) fn split(wrapped: &[u8]) -> Result<(KeyTag, &[u8]), KeyError> {
        match wrapped.split_first() {
            Some((&FORMAT, rest)) => {
                let (tag, body) = rest.split_first_chunk::<8>().ok_or(KeyError::Malformed("wrapped key"))?;
                Ok((*tag, body))
            }
            _ => Err(KeyError::Malformed("wrapped key")),
        }
    }

    /// A root's id: what holds the key, and the key's tag in hexadecimal.
    pub(crate) fn id(holder: &str, tag: KeyTag) -> String {
        format!("{holder}:{}", data_encoding::HEXLOWER.encode(&tag))
    }

    /// The tag in an id of this holder.
    pub(crate) fn tag_of(holder: &str, id: &str) -> Option<KeyTag> {
        let hex = id.strip_prefix(holder)?.strip_prefix(':')?;
        data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
    }
}
