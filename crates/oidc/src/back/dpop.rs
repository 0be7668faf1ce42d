//! Proofs of possession (RFC 9449) that come with a request.

use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use http::request::Parts;
use jose::{Algorithms, dpop};
use sso::tokens::Binding;
use std::time::Duration;

/// How old a proof may be.
const MAX_AGE: Duration = Duration::from_secs(120);
/// How far a client's clock may be ahead.
const LEEWAY: Duration = Duration::from_secs(10);

const WRONG: OAuthError = OAuthError::new(Code::InvalidDpopProof, "The DPoP proof is not one for this request.");

/// The key of which a request's proof shows possession; none where there is no proof. `path` is the endpoint's, and `access_token` the token
/// that comes with the request, if one does.
pub(crate) async fn proven(
    place: &Place,
    parts: &Parts,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<Binding>, OAuthError> {
    let mut lines = parts.headers.get_all("dpop").iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line.to_str().map_err(|_| WRONG)?,
        _ => return Err(WRONG),
    };
    let uri = place.url(path);
    let expect = dpop::Expect {
        method: parts.method.as_str(),
        uri: &uri,
        now: place.now(),
        max_age: MAX_AGE,
        leeway: LEEWAY,
        access_token,
        allowed: Algorithms::ASYMMETRIC,
        nonce: &|_| true,
    };
    let proof = dpop::verify(line, &expect).map_err(|_| WRONG)?;
    let grants = place.sso().grants();
    let new = grants.once(place.tenant, "dpop", &proof.thumbprint, &proof.jti, proof.expires).await;
    if new.map_err(|error| OAuthError::ours(&error))? { Ok(Some(Binding::Key(proof.thumbprint))) } else { Err(WRONG) }
}
