//! base64url without padding, one text for each value (RFC 7515 §2).

use crate::JoseError;
use data_encoding::BASE64URL_NOPAD;

/// The text of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The bytes of `text`. [`JoseError::Malformed`] for padding, other letters, line ends, and for last letters with bits set that mean nothing:
/// a second text for the same bytes.
pub fn decode(text: &str) -> Result<Vec<u8>, JoseError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| JoseError::Malformed("base64url"))
}

/// Whether a text is a SHA-256 digest: a PKCE challenge (RFC 7636 §4.2), the thumbprint of a key (RFC 7638).
#[must_use]
pub fn is_digest(text: &str) -> bool {
    decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
