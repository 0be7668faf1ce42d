//! Fixed addresses that browsers and password managers ask for.

use crate::frame::visit::{Visit, json, redirect};
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

/// `GET /.well-known/webauthn`: whose pages may use this tenant's passkeys beside its own (WebAuthn L3 §5.11.1).
pub(crate) async fn webauthn(visit: Visit) -> Response {
    json(StatusCode::OK, &json!({ "origins": visit.tenant.settings.related_origins }))
}

/// `GET /.well-known/passkey-endpoints`: where passkeys are made and managed (W3C, "A well-known URL for passkey endpoints").
pub(crate) async fn passkey_endpoints(visit: Visit) -> Response {
    let account = format!("{}/account", visit.web.public_origin(&visit.tenant.api_host));
    json(StatusCode::OK, &json!({ "enroll": account, "manage": account }))
}

/// `GET /.well-known/change-password` (W3C, "A well-known URL for changing passwords"): what people sign in with is managed there.
pub(crate) async fn change_password() -> Response {
    redirect("/account")
}
