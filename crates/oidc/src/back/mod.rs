//! The back room: what programs ask, without a browser. Only [`device`] has a page, because a device has none.
//!
//! Every endpoint begins with [`client_auth`]: who asks. What a client may do stands in its settings and is asked for there; what was granted
//! is decided in `sso`. An error of a client is a 4xx in the words of its specification, and never carries what was sent.

pub(crate) mod answer;
mod assertion;
pub(crate) mod bearer;
mod client_auth;
pub(crate) mod client_keys;
pub(crate) mod device;
mod dpop;
mod exchange;
pub(crate) mod fapi;
mod introspect;
pub(crate) mod jar;
mod mtls;
pub(crate) mod par;
mod revoke;
mod token;

use crate::Door;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// Where tokens are got.
pub(crate) const TOKEN: &str = "/oidc/token";
/// Where a request is sent ahead.
pub(crate) const PAR: &str = "/oidc/par";
/// Where a person types a device's code.
pub(crate) const DEVICE: &str = "/oidc/device";

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route(TOKEN, post(token::token).options(answer::preflight))
        .route("/oidc/introspect", post(introspect::introspect))
        .route("/oidc/revoke", post(revoke::revoke).options(answer::preflight))
        .route(PAR, post(par::push).options(answer::preflight))
        .route("/oidc/device_authorization", post(device::ask).options(answer::preflight))
        .route(DEVICE, get(device::page).post(device::typed))
        .route("/oidc/device/{id}", get(device::confirm).post(device::decided))
}
