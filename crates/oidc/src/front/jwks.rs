//! `GET /oidc/jwks`: the public keys. A key stands here before it signs and after it has stopped, for longer than anybody keeps this answer,
//! so that a change of keys is noticed by nobody.

use crate::frame::{error::OAuthError, headers::readable_everywhere, place::Place};
use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use sso::signing::JWKS_MAX_AGE;

/// The endpoint.
pub(super) async fn jwks(place: Place) -> Result<Response, OAuthError> {
    let keys = place.sso().signing().jwks(place.tenant).await.map_err(|error| OAuthError::ours(&error))?;
    let mut response = Response::new(Body::from(keys.to_value().to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    let kept = HeaderValue::from_str(&format!("public, max-age={}", JWKS_MAX_AGE.as_secs()));
    headers.insert(header::CACHE_CONTROL, kept.map_err(|error| OAuthError::ours(&error))?);
    readable_everywhere(headers);
    Ok(response)
}
