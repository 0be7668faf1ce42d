//! The door that speaks Duo's public APIs: Auth API v2, REST v1 (JSON and BSON), the Admin API and the Universal Prompt's
//! OIDC, as Duo's unmodified clients call them.
//!
//! It translates a signed request to a call of the one engine and the outcome back to the client's envelope. It never
//! decides who may log in, never keeps state that must outlive the process, and never lets a handler see a parameter
//! that the signature does not cover.
//!
//! - [`wire`]: the protocol without the engine: signatures, parameters, envelopes, paging, replay.
//! - `pipeline`: from a request to a verified call and back, the same way for every route.
//! - `auth_v2`, `rest_v1`, `admin`: a handler for each endpoint, and a table of routes.
//! - `oauth`: three endpoints that know their client by a signed JWT instead, and a form reader of their own.
//!
//! To add an endpoint: one file with its handler, its errors and its tests; read its parameters with
//! [`wire::Params`], answer with [`wire::Envelope`], and add its route to the table that the authorisation test walks.

mod admin;
mod auth_v2;
mod choice;
mod door;
mod oauth;
mod pipeline;
mod prompt;
mod qr;
mod rest_v1;
pub mod wire;

pub use admin::checks;
pub use door::{Call, Closed, Door, Handled, Handler, Route, Surface, Verb, refusal};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// Every route that needs a signature.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    auth_v2::ROUTES.iter().chain(rest_v1::ROUTES).chain(admin::ROUTES)
}

/// The door's routes.
pub fn router(door: &Arc<Door>) -> Router {
    with_scheme(door, oauth::Scheme::Https)
}

/// The same routes for browsers that come by http, on the machine itself: for a demonstration, and never for anybody else, as their
/// cookies are as open as what goes over the wire.
pub fn plain_router(door: &Arc<Door>) -> Router {
    with_scheme(door, oauth::Scheme::Http)
}

fn with_scheme(door: &Arc<Door>, scheme: oauth::Scheme) -> Router {
    pipeline::router(routes(), door)
        .merge(auth_v2::unsigned(door))
        .merge(oauth::router(door, scheme))
        .route("/frame/qr", get(qr::serve).fallback(pipeline::wrong_method))
        .fallback(pipeline::not_found)
}

/// The answer to a request whose handler panicked: what an internal error on its path is answered with, so that no client
/// takes a fault of ours for leave to let somebody in.
#[must_use]
pub fn answer_to_panic(path: &str) -> Response {
    if let Some(answer) = oauth::answer_to_panic(path) {
        return answer;
    }
    let (encoding, bare) = wire::Encoding::of_path(path);
    let closed = match bare {
        "/auth/v2/preauth" | "/auth/v2/auth" | "/auth/v2/auth_status" => Closed::Deny("status_msg"),
        "/rest/v1/preauth" | "/rest/v1/auth" | "/rest/v1/status" => Closed::Deny("status"),
        _ => Closed::Error,
    };
    encoding.reply(closed.answer()).into_response()
}
