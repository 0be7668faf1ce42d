//! The HTTP-Redirect binding (saml-bindings-2.0-os, 3.4): DEFLATE, base64, and a signature over the query as it was written.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    Accept, Document, Fragment, Limits, PublicKey, SignError, SignatureError, SigningKey, Verified, XmlError, base64,
    verify::{made_by, signature_algorithm},
};

/// Octets of a query that is looked at: what web servers take as a request's line, twice.
pub const MAX_QUERY: usize = 16 * 1024;
/// Octets of `RelayState` (the binding allows 80, and many send a URL).
pub const MAX_RELAY_STATE: usize = 2 * 1024;

/// Which of the two parameters a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// A message that came in a query, unverified.
#[derive(Debug)]
pub struct Message {
    parameter: Parameter,
    document: Document,
    relay_state: Option<String>,
    signature: Option<Signature>,
}

#[derive(Debug)]
struct Signature {
    /// What was signed, in the octets that came: how they were escaped is the sender's choice.
    octets: String,
    algorithm: String,
    value: Vec<u8>,
}

impl Message {
    /// Reads the query of a URL (without `?`), as it came. Parameters that the binding doesn't know are passed over.
    ///
    /// # Errors
    /// [`XmlError::Limit`] for what is too long, before or after inflation; [`XmlError::Repeated`] and [`XmlError::Missing`] for
    /// parameters; other [`XmlError`]s of the document.
    pub fn parse(query: &str, limits: &Limits) -> Result<Self, XmlError> {
        if query.len() > MAX_QUERY {
            return Err(XmlError::Limit("octets of the query"));
        }
        let request = parameter(query, "SAMLRequest")?;
        let response = parameter(query, "SAMLResponse")?;
        let relay_state = parameter(query, "RelayState")?;
        let encoding = parameter(query, "SAMLEncoding")?;
        if encoding.is_some_and(|encoding| {
            decoded(encoding).as_deref() != Ok("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")
        }) {
            return Err(XmlError::Deflate);
        }
        let (kind, value) = match (request, response) {
            (Some(request), None) => (Parameter::Request, request),
            (None, Some(response)) => (Parameter::Response, response),
            (Some(_), Some(_)) => return Err(XmlError::Repeated("SAMLRequest or SAMLResponse")),
            (None, None) => return Err(XmlError::Missing("SAMLRequest")),
        };
        let signature = signature(query, kind, value, relay_state)?;
        let document = Document::parse(&inflate(&base64::decode(&decoded(value)?)?, limits)?, limits)?;
        let relay_state = relay_state.map(decoded).transpose()?;
        if relay_state.as_ref().is_some_and(|state| state.len() > MAX_RELAY_STATE) {
            return Err(XmlError::Limit("octets of RelayState"));
        }
        Ok(Self { parameter: kind, document, relay_state, signature })
    }

    /// Which parameter it came in.
    #[must_use]
    pub const fn parameter(&self) -> Parameter {
        self.parameter
    }

    /// The document, unverified.
    #[must_use]
    pub const fn unverified(&self) -> &Document {
        &self.document
    }

    /// `RelayState`; not empty only because it was signed, either.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// Whether it came with a signature, right or wrong.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Verifies the signature over the query. The document and `RelayState` are then the sender's.
    ///
    /// # Errors
    /// [`SignatureError::Missing`], [`SignatureError::Algorithm`], [`SignatureError::Key`].
    pub fn verify(self, keys: &[PublicKey], accept: Accept) -> Result<(Verified, Option<String>), SignatureError> {
        let signature = self.signature.ok_or(SignatureError::Missing)?;
        let algorithm = signature_algorithm(&signature.algorithm, accept)?;
        let key = made_by(keys, algorithm, signature.octets.as_bytes(), &signature.value)?;
        Ok((Verified::new(self.document, key), self.relay_state))
    }

    /// The unverified document and `RelayState`, for parties that don't sign.
    #[must_use]
    pub fn into_unverified(self) -> (Document, Option<String>) {
        (self.document, self.relay_state)
    }
}

/// The query (without `?`) that carries `message`, signed if there is a key.
///
/// # Errors
/// [`SignError::Key`].
pub fn encode(
    parameter: Parameter,
    message: &Fragment,
    relay_state: Option<&str>,
    key: Option<&SigningKey>,
) -> Result<String, SignError> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    let octets = deflated
        .write_all(message.as_str().as_bytes())
        .and_then(|()| deflated.finish())
        .map_err(|_| SignError::Xml(XmlError::Deflate))?;
    let mut query = String::from(parameter.name());
    put(&mut query, "=", &base64::encode(&octets));
    if let Some(state) = relay_state.filter(|state| !state.is_empty()) {
        put(&mut query, "&RelayState=", state);
    }
    if let Some(key) = key {
        put(&mut query, "&SigAlg=", key.algorithm_uri());
        let signature = key.sign(query.as_bytes()).ok_or(SignError::Key)?;
        put(&mut query, "&Signature=", &base64::encode(&signature));
    }
    Ok(query)
}

/// What is escaped, blanks apart: as most programs do it. The signature covers what is written, but some receivers (pysaml2) write it anew
/// before they verify.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

fn put(query: &mut String, before: &str, value: &str) {
    query.push_str(before);
    for piece in utf8_percent_encode(value, ESCAPED) {
        query.push_str(&piece.replace(' ', "+"));
    }
}

/// The signature and the octets that it covers: `SAMLRequest=…&RelayState=…&SigAlg=…`, in this order, whatever order they came in.
fn signature(
    query: &str,
    kind: Parameter,
    value: &str,
    relay_state: Option<&str>,
) -> Result<Option<Signature>, XmlError> {
    let (algorithm, signature) = match (parameter(query, "SigAlg")?, parameter(query, "Signature")?) {
        (None, None) => return Ok(None),
        (Some(algorithm), Some(signature)) => (algorithm, signature),
        (None, Some(_)) => return Err(XmlError::Missing("SigAlg")),
        (Some(_), None) => return Err(XmlError::Missing("Signature")),
    };
    let state = relay_state.map_or(String::new(), |state| format!("&RelayState={state}"));
    let octets = format!("{}={value}{state}&SigAlg={algorithm}", kind.name());
    let value = base64::decode(&decoded(signature)?)?;
    Ok(Some(Signature { octets, algorithm: decoded(algorithm)?, value }))
}

/// The raw value of a parameter, if it is there; never one of two. Its name must be written plainly: `SAML%52equest` is another
/// parameter, which nobody asks for.
fn parameter<'q>(query: &'q str, name: &'static str) -> Result<Option<&'q str>, XmlError> {
    let mut found = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(own, _)| *own == name)
        .map(|(_, value)| value);
    let first = found.next();
    if found.next().is_some() { Err(XmlError::Repeated(name)) } else { Ok(first) }
}

fn decoded(value: &str) -> Result<String, XmlError> {
    let spaced = value.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(Into::into).map_err(|_| XmlError::NotUtf8)
}

/// Inflates, and stops at the limit: a kilobyte can hold a megabyte of blanks.
fn inflate(deflated: &[u8], limits: &Limits) -> Result<Vec<u8>, XmlError> {
    let mut decoder = DeflateDecoder::new(deflated);
    let mut octets = Vec::new();
    let one_more = u64::try_from(limits.bytes).unwrap_or(u64::MAX).saturating_add(1);
    decoder.by_ref().take(one_more).read_to_end(&mut octets).map_err(|_| XmlError::Deflate)?;
    if octets.len() > limits.bytes {
        return Err(XmlError::Limit("octets"));
    }
    if decoder.total_in() != deflated.len() as u64 {
        return Err(XmlError::Deflate);
    }
    Ok(octets)
}
