//! The door for applications that speak OpenID Connect or OAuth 2.1.
//!
//! It reads requests, checks them wholly, asks `sso` where the browser stands, and words what `sso` gives: codes, tokens, claims. It decides
//! nothing about people, keeps no state but what it may forget, never sends a browser to an address that the client didn't register, never
//! takes a host, an algorithm or an identity from what it hasn't verified, and answers no request with a page of somebody else's text.
//!
//! - [`frame`]: tenant, parameters, errors, headers: the same for every endpoint.
//! - [`front`]: what browsers and the public ask: discovery, keys, authorisation, userinfo, registration, signing out.
//! - [`back`]: what programs ask: tokens, introspection, revocation, pushed requests, devices.
//!
//! # How to add an endpoint
//!
//! One file with its handler, `async fn(Place, Asked) -> Result<Response, OAuthError>`; its line in its room's `routes()`; its member in
//! `front/discovery.rs`, once it works; in [`is_page`], if a person sees it. [`Place`](frame::place::Place)
//! is the tenant; a request's parameters come from `frame::params::Form`, which refuses what is there twice. What a client says of itself
//! is believed after `back::client_auth` and not before.

mod back;
mod backchannel;
mod frame;
mod front;

pub use backchannel::BackChannel;
pub use sso::tokens::ClientCertificates;

use axum::{Router, middleware, response::Response};
use directory::Directory;
use frame::{
    error::{Code, OAuthError},
    place,
};
use outbound::Outbound;
use sso::{Logouts, Sso};
use std::sync::Arc;

/// How initial access tokens of dynamic registration begin.
pub const LEAVE_PREFIX: &str = "csia";

/// What the door stands on.
pub struct Door {
    pub(crate) sso: Arc<Sso>,
    pub(crate) logouts: Arc<Logouts>,
    pub(crate) outbound: Outbound,
    pub(crate) directory: Arc<Directory>,
    pub(crate) client_keys: back::client_keys::ClientKeys,
    pub(crate) mtls_port: Option<u16>,
}

impl Door {
    /// A door to `sso`, whose ends of sessions `logouts` tells. Clients' keys are fetched by `outbound`; what registers itself is written into
    /// `directory`.
    #[must_use]
    pub fn new(sso: &Arc<Sso>, logouts: &Arc<Logouts>, outbound: Outbound, directory: &Arc<Directory>) -> Self {
        Self {
            sso: Arc::clone(sso),
            logouts: Arc::clone(logouts),
            outbound,
            directory: Arc::clone(directory),
            client_keys: back::client_keys::ClientKeys::default(),
            mtls_port: None,
        }
    }

    /// With a listener on this port that asks clients for a certificate (RFC 8705).
    #[must_use]
    pub const fn with_mtls(mut self, port: Option<u16>) -> Self {
        self.mtls_port = port;
        self
    }
}

/// The door's routes. How the world reaches them, `sso` knows.
pub fn router(door: &Arc<Door>) -> Router {
    let routes = front::routes().merge(back::routes());
    routes.layer(middleware::from_fn_with_state(Arc::clone(door), place::around)).with_state(Arc::clone(door))
}

/// Whether a route's template is this door's.
#[must_use]
pub fn owns(route: &str) -> bool {
    route.starts_with("/oidc/")
        || matches!(route, "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server")
}

/// Whether a route shows a person something, where it fails, too.
#[must_use]
pub fn is_page(route: &str) -> bool {
    ["/oidc/authorize", "/oidc/continue/", "/oidc/logout", "/oidc/signed-out"]
        .iter()
        .any(|path| route.starts_with(path))
        || route == "/oidc/device"
        || route.starts_with("/oidc/device/")
}

/// The answer to a program where a handler gave none: it panicked, took too long, or (not `ours`) its request could not be taken in.
/// Nobody is signed in by it, and no token is in it.
#[must_use]
pub fn answer_to_failure(ours: bool) -> Response {
    let error = if ours {
        OAuthError::new(Code::ServerError, "The service is temporarily unavailable.")
    } else {
        OAuthError::invalid_request("The request can not be read.")
    };
    let mut response = error.json();
    frame::headers::guard(response.headers_mut());
    response
}

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::front::fuzzing::{metadata, redirect_uri, request, request_object};
}
