//! Ways in for the fuzzers: each takes whatever octets there are, and must neither panic nor take long.

use crate::{
    error::Refused,
    message::{
        authn_request::AuthnRequest,
        logout::{LogoutRequest, LogoutResponse},
        soap,
    },
    metadata::{MetadataError, PartyMetadata},
};
use types::Millis;
use xmlsig::{Document, Limits, redirect};

/// Every message that is read, from the same octets.
///
/// # Errors
/// What the document is refused for; what its messages are refused for is of no interest.
pub fn messages(octets: &[u8]) -> Result<(), Refused> {
    let document = Document::parse(octets, &Limits::MESSAGE)?;
    let _ = AuthnRequest::read(document.root());
    let _ = LogoutRequest::read(document.root());
    let _ = LogoutResponse::read(document.root());
    Ok(())
}

/// What is in an envelope of SOAP, and what it would be read as.
///
/// # Errors
/// As [`messages`].
pub fn soap(octets: &[u8]) -> Result<(), Refused> {
    let document = Document::parse(octets, &Limits::MESSAGE)?;
    let message = soap::open(&document)?;
    let _ = LogoutRequest::read(message);
    let _ = LogoutResponse::read(message);
    Ok(())
}

/// A query of an address.
///
/// # Errors
/// As [`messages`].
pub fn query(text: &str) -> Result<(), Refused> {
    let (document, _) = redirect::Message::parse(text, &Limits::MESSAGE)?.into_unverified();
    let _ = AuthnRequest::read(document.root());
    let _ = LogoutRequest::read(document.root());
    Ok(())
}

/// An application's metadata.
///
/// # Errors
/// Why it can't be used.
pub fn metadata(octets: &[u8]) -> Result<PartyMetadata, MetadataError> {
    PartyMetadata::read(octets, None, None, Millis(0))
}
