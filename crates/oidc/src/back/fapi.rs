//! What the stricter profiles ask of a client.

use crate::frame::error::OAuthError;
use sso::OidcClient;

/// Whether a client may put its request into the address: not where it must push or sign.
pub(crate) fn may_ask_in_the_open(client: &OidcClient) -> Result<(), OAuthError> {
    if client.require_par || client.fapi {
        return Err(OAuthError::invalid_request("This client must push its request (PAR)."));
    }
    if client.require_signed_request {
        return Err(OAuthError::invalid_request("This client must sign its request (JAR)."));
    }
    Ok(())
}
