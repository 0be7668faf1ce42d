//! The front room: what browsers and the public ask.

pub(crate) mod authorize;
mod code;
mod discovery;
pub(crate) mod id_token;
mod jwks;
mod logout;
mod register;
mod userinfo;

use crate::Door;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// Where browsers are sent to.
pub(crate) const AUTHORIZE: &str = "/oidc/authorize";
/// Where they come back to, before the request's id.
pub(crate) const CONTINUE: &str = "/oidc/continue/";
/// The public keys.
pub(crate) const JWKS: &str = "/oidc/jwks";
/// What an access token tells of its person.
pub(crate) const USERINFO: &str = "/oidc/userinfo";
/// Signing out.
pub(crate) const LOGOUT: &str = "/oidc/logout";
/// Where a browser ends that was signed out and has nowhere to go.
pub(crate) const SIGNED_OUT: &str = "/oidc/signed-out";
/// Dynamic registration.
pub(crate) const REGISTER: &str = "/oidc/register";

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::openid))
        .route("/.well-known/oauth-authorization-server", get(discovery::oauth))
        .route(JWKS, get(jwks::jwks))
        .route(AUTHORIZE, get(authorize::authorize).post(authorize::authorize))
        .route("/oidc/continue/{id}", get(authorize::resume))
        .route(USERINFO, get(userinfo::userinfo).post(userinfo::userinfo).options(crate::back::answer::preflight))
        .route(REGISTER, post(register::register))
        .route("/oidc/register/{client}", get(register::read).put(register::update).delete(register::remove))
        .route(LOGOUT, get(logout::logout).post(logout::logout))
        .route(SIGNED_OUT, get(logout::signed_out))
}

/// What the fuzzers call.
pub(crate) mod fuzzing {
    use super::{authorize::request::Request, register::metadata::Metadata};
    use crate::frame::params::{self, Form};
    use sso::OidcClient;

    /// Whether an address may be registered, and whether it is one of these.
    #[must_use]
    pub fn redirect_uri(text: &str) -> (bool, bool) {
        let registered = ["https://app.example/cb", "http://127.0.0.1/cb"];
        (sso::redirect_uri::may_be_registered(text, false), sso::redirect_uri::is_registered(registered, text))
    }

    /// Whether a query or a body is an authorisation request.
    #[must_use]
    pub fn request(bytes: &[u8]) -> bool {
        params::of_text(bytes, params::MOST_BYTES).is_ok_and(asks)
    }

    /// Whether what a client has signed is an authorisation request; none where it isn't taken, or is not of the client that it is for.
    #[must_use]
    pub fn request_object(claims: &[u8]) -> Option<bool> {
        let claims = serde_json::from_slice(claims).ok()?;
        let pairs = crate::back::jar::pairs(claims, "client").ok()?;
        let named = pairs.iter().filter(|(name, _)| name == "client_id").map(|(_, value)| value.as_str());
        (named.collect::<Vec<_>>() == ["client"]).then(|| asks(pairs))
    }

    fn asks(pairs: Vec<(String, String)>) -> bool {
        let (parts, ()) = http::Request::new(()).into_parts();
        Request::read(&Form::of(parts, pairs)).is_ok()
    }

    /// Whether a client that says this of itself is held as one that isn't the organisation's own; none where it isn't taken.
    #[must_use]
    pub fn metadata(body: &[u8]) -> Option<bool> {
        let client = Metadata::read(body).and_then(|metadata| metadata.client(&OidcClient::default())).ok()?;
        Some(!client.first_party && client.pkce_required)
    }
}
