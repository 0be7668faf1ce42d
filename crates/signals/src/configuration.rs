//! `GET /.well-known/ssf-configuration`: what this transmitter can do (SSF 1.0 §7.1).

use crate::{
    Door,
    error::{Refusal, answer},
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use std::sync::Arc;

/// Push (RFC 8935).
pub(crate) const PUSH: &str = "urn:ietf:rfc:8935";
/// Poll (RFC 8936).
pub(crate) const POLL: &str = "urn:ietf:rfc:8936";

pub(crate) async fn show(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let place = door.sso.place(&parts).await?.ok_or(Refusal::NotFound)?;
    let issuer = door.sso.issuer(&place.api_host);
    let mut response = answer(
        StatusCode::OK,
        &json!({
            "spec_version": "1_0",
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/oidc/jwks"),
            "delivery_methods_supported": [PUSH, POLL],
            "configuration_endpoint": format!("{issuer}/ssf/stream"),
            "status_endpoint": format!("{issuer}/ssf/status"),
            "verification_endpoint": format!("{issuer}/ssf/verify"),
            "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }],
            // Everybody whom the client may see: there is nothing to add and to remove.
            "default_subjects": "ALL",
        }),
    );
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}
