//! `GET /auth/v2/logo`: the tenant's picture, or 40401 where it has none.

use crate::{
    door::Door,
    pipeline,
    wire::{AcceptedVersions, ApiError, Encoding, Limits, UnverifiedRequest},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderValue, Request, header};
use std::sync::Arc;

/// The route. Its answer is a picture, so it doesn't go through the envelope.
pub(super) fn router(door: &Arc<Door>) -> Router {
    Router::new().route("/auth/v2/logo", get(logo).fallback(pipeline::wrong_method)).with_state(Arc::clone(door))
}

async fn logo(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    match picture(&door, request).await {
        Ok(picture) => ([(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))], picture).into_response(),
        Err(error) => Encoding::Json.reply(Err(error)).into_response(),
    }
}

async fn picture(door: &Door, request: Request<Body>) -> Result<Vec<u8>, ApiError> {
    let (parts, _) = request.into_parts();
    let empty = Bytes::new();
    let unverified = UnverifiedRequest::read(&parts, &empty, Limits::DEFAULT)?;
    let app = door.auth.applications().get(unverified.integration_key()).await.map_err(crate::refusal)?;
    let app = app.ok_or_else(ApiError::invalid_integration_key)?;
    let accepted = if app.signature_v1 { AcceptedVersions::ALL } else { AcceptedVersions::DATED };
    let mut hosts = vec![app.api_host.as_str()];
    hosts.extend(door.api_hosts.iter().map(String::as_str));
    unverified.verify(app.secret.expose().as_bytes(), accepted, &hosts, door.auth.world().now())?;
    let stored = app.settings.other.get("logo").and_then(|logo| logo.as_str()).ok_or_else(ApiError::not_found)?;
    BASE64.decode(stored.as_bytes()).map_err(|_| ApiError::not_found())
}
