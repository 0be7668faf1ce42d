//! Shared Signals (OpenID SSF 1.0, CAEP 1.0): applications that asked hear that a session or a credential is no more, and those who may
//! say so end everything of a person by one call (Global Token Revocation).
//!
//! What has happened stands in the store's outbox, written in the transaction that made it true ([`store::Tx::tell`]). This door lets
//! receivers make streams, signs an event token for each event and stream when it leaves, pushes it (RFC 8935) or hands it to who polls
//! (RFC 8936), until the receiver has it. It decides nothing about people, shows a stream to the client that made it and to no other, and
//! pushes to addresses of the public Internet only.
//!
//! A receiver is an OpenID client of the tenant: it asks with an access token of the scopes `ssf.manage` (all), `ssf.read` (reading, and
//! polling), or `global_token_revocation`, which its registration must have.
//!
//! To add an event: a variant of [`events::Kind`] with its name on the wire, and a [`store::Tx::tell`] in the transaction that causes it
//! ([`store::Tx::signal`] where what has happened has an id of its own, so that it is told once whoever notices it). To add an endpoint: a
//! file with its handler and a line in [`router`].

mod ask;
mod caller;
mod configuration;
mod error;
mod events;
mod poll;
mod push;
mod revocation;
mod status;
mod streams;
mod token;
mod verification;

use axum::{Router, routing};
use error::Refusal;
use outbound::Outbound;
use sso::Sso;
use std::sync::Arc;

/// What the door stands on.
pub struct Door {
    sso: Arc<Sso>,
    outbound: Outbound,
}

impl Door {
    /// Opens it, and starts to push what is due. Needs a Tokio runtime.
    #[must_use]
    pub fn start(sso: &Arc<Sso>, outbound: Outbound) -> Arc<Self> {
        let door = Arc::new(Self { sso: Arc::clone(sso), outbound });
        tokio::spawn(sso::delivery::run(Arc::downgrade(&door)));
        door
    }
}

/// The door's routes.
pub fn router(door: &Arc<Door>) -> Router {
    Router::new()
        .route("/.well-known/ssf-configuration", routing::get(configuration::show))
        .route(
            "/ssf/stream",
            routing::get(streams::read)
                .post(streams::create)
                .patch(streams::update)
                .put(streams::replace)
                .delete(streams::remove),
        )
        .route("/ssf/status", routing::get(status::read).post(status::change))
        .route("/ssf/verify", routing::post(verification::ask))
        .route("/ssf/poll/{stream}", routing::post(poll::poll))
        .route("/global-token-revocation", routing::post(revocation::revoke))
        .with_state(Arc::clone(door))
}

/// Whether a route's template is this door's.
#[must_use]
pub fn owns(route: &str) -> bool {
    route.starts_with("/ssf/") || matches!(route, "/.well-known/ssf-configuration" | "/global-token-revocation")
}

/// The answer where a handler gave none: it panicked, took too long, or (not `ours`) its request could not be taken in.
#[must_use]
pub fn answer_to_failure(ours: bool) -> axum::response::Response {
    let refusal = if ours { Refusal::Ours } else { Refusal::Request("The request can not be read.") };
    axum::response::IntoResponse::into_response(refusal)
}
