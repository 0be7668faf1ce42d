//! Proofs of possession at our own endpoints (RFC 9449): each is accepted once, for this method and address, with a nonce that this server gave
//! minutes ago, so that none can be made in advance.

use super::answer::DPOP;
use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use http::{HeaderMap, request::Parts};
use jose::{
    Algorithms,
    dpop::{self, DpopError, Expect},
};
use sso::{OidcClient, tokens::Binding};
use std::time::Duration;

/// How old a proof may be.
const MAX_AGE: Duration = Duration::from_secs(120);
/// How far a client's clock may be ahead.
const LEEWAY: Duration = Duration::from_secs(10);

const WRONG: OAuthError =
    OAuthError::new(Code::InvalidDpopProof, "The DPoP proof is not one for this request, or was used before.");
const NONCE: OAuthError =
    OAuthError::new(Code::UseDpopNonce, "The DPoP proof must have the nonce of the DPoP-Nonce header.");

/// Whether a nonce must be in a proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nonce {
    /// At the endpoints of this server.
    Needed,
    /// Where a resource is asked for: the proof is for one token there, and seen once.
    Optional,
}

/// The key that a request proves to have; none where it has no proof.
pub(super) async fn proved(
    place: &Place,
    parts: &Parts,
    path: &str,
    token: Option<&str>,
    nonce: Nonce,
    allowed: Algorithms,
) -> Result<Option<Binding>, OAuthError> {
    let Some(text) = header(&parts.headers)? else { return Ok(None) };
    let grants = place.sso().grants();
    let nonces = grants.dpop_nonces(place.tenant).await.map_err(|error| OAuthError::ours(&error))?;
    let known = |given: Option<&str>| match given {
        _ if nonce == Nonce::Optional => true,
        None => false,
        Some(given) => nonces.iter().any(|one| one == given),
    };
    let uri = place.url(path);
    let expect = Expect {
        method: parts.method.as_str(),
        uri: &uri,
        now: place.now(),
        max_age: MAX_AGE,
        leeway: LEEWAY,
        access_token: token,
        allowed,
        nonce: &known,
    };
    let proof = match dpop::verify(text, &expect) {
        Ok(proof) => proof,
        Err(DpopError::Nonce) => return Err(NONCE),
        Err(DpopError::Refused(error)) => {
            tracing::info!(tenant = %place.tenant, %error, "a proof of possession was refused");
            return Err(WRONG);
        }
    };
    let new = grants.once(place.tenant, "dpop", &proof.thumbprint, &proof.jti, proof.expires + LEEWAY).await;
    if !new.map_err(|error| OAuthError::ours(&error))? {
        return Err(WRONG);
    }
    Ok(Some(Binding::Key(proof.thumbprint)))
}

/// The algorithms of a client's proofs.
pub(super) const fn algorithms(client: &OidcClient) -> Algorithms {
    if client.fapi { Algorithms::FAPI } else { Algorithms::ASYMMETRIC }
}

/// The one proof of a request (RFC 9449 §4.3, check 1).
fn header(headers: &HeaderMap) -> Result<Option<&str>, OAuthError> {
    let mut lines = headers.get_all(DPOP).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| WRONG),
        _ => Err(WRONG),
    }
}
