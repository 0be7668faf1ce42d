//! Base64 as XML writes it: with line breaks anywhere.

use crate::XmlError;

/// Decodes, skipping the white space of XML.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, XmlError> {
    let dense: Vec<u8> = text.bytes().filter(|octet| !matches!(octet, b' ' | b'\t' | b'\r' | b'\n')).collect();
    data_encoding::BASE64.decode(&dense).map_err(|_| XmlError::Base64)
}

pub(crate) fn encode(octets: &[u8]) -> String {
    data_encoding::BASE64.encode(octets)
}
