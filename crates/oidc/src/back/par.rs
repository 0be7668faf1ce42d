//! Pushed authorisation requests (RFC 9126).

use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use sso::RelyingParty;

/// The parameters that this client pushed under `request_uri`: once, and in time.
pub(crate) async fn taken(
    place: &Place,
    party: &RelyingParty,
    request_uri: &str,
) -> Result<Vec<(String, String)>, OAuthError> {
    const GONE: OAuthError = OAuthError::new(
        Code::InvalidRequestUri,
        "The request_uri is not one that this client pushed, or is used or too old.",
    );
    let pushed = place.sso().grants().pushed(party, request_uri).await;
    pushed.map_err(|error| OAuthError::ours(&error))?.ok_or(GONE)
}
