//! Signed authorisation requests (RFC 9101).

use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use sso::RelyingParty;

/// The parameters of a request that this client signed.
pub(crate) async fn opened(
    _place: &Place,
    _party: &RelyingParty,
    _request: &str,
) -> Result<Vec<(String, String)>, OAuthError> {
    Err(OAuthError::new(Code::RequestNotSupported, "The request parameter is not supported."))
}
