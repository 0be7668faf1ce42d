//! The HTTP-POST binding's form value (saml-bindings-2.0-os, 3.5.4): base64 of the message.

use crate::{Document, Limits, XmlError, base64};

/// The document in a `SAMLRequest` or `SAMLResponse` of a form, unverified.
///
/// # Errors
/// [`XmlError`]; the value's length is looked at first.
pub fn decode(value: &str, limits: &Limits) -> Result<Document, XmlError> {
    // Four characters for three octets, and as much again for line breaks.
    if value.len() > limits.bytes.saturating_mul(2) {
        return Err(XmlError::Limit("octets"));
    }
    Document::parse(&base64::decode(value)?, limits)
}

/// The form value of a message.
#[must_use]
pub fn encode(document: &str) -> String {
    base64::encode(document.as_bytes())
}
