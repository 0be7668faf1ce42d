//! The FAPI 2.0 security profile (final, §5.3), as a switch of a client. What it asks for stands where it happens: methods and algorithms in
//! `client_auth` and `assertion`, keys here, pushed requests in `par`; `iss`, PKCE and codes of a minute are for everybody.

use crate::frame::error::{Code, OAuthError};
use sso::{OidcClient, tokens::Binding};

/// Whether a client may send its request through the browser, where its person and others can read and change it.
pub(crate) fn may_ask_in_the_open(client: &OidcClient) -> Result<(), OAuthError> {
    if client.fapi || client.require_par {
        return Err(OAuthError::invalid_request("This client must push its requests (RFC 9126)."));
    }
    if client.require_signed_request {
        return Err(OAuthError::invalid_request("This client must sign its requests (RFC 9101)."));
    }
    Ok(())
}

/// Whether a token may be given that is bound so.
pub(super) fn is_bound(client: &OidcClient, binding: Option<&Binding>) -> Result<(), OAuthError> {
    let proof = OAuthError::new(Code::InvalidDpopProof, "This client must prove its key with each request (DPoP).");
    match binding {
        Some(Binding::Key(_)) => Ok(()),
        _ if client.dpop_required => Err(proof),
        Some(Binding::Certificate(_)) => Ok(()),
        None if client.certificate_bound => {
            Err(OAuthError::invalid_request("This client must show its certificate with each request."))
        }
        None if client.fapi => Err(proof),
        None => Ok(()),
    }
}
