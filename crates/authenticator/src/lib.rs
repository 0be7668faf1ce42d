//! The door that a person's authenticator answers through: activation, waiting requests, the owner's yes, no or "not me", and what
//! a device changes about itself.
//!
//! It translates and nothing else: whether a code is right, an answer in time, or a signature good is decided in `auth`. It keeps
//! no session and reads no cookie: each request is signed by the device's own key (see [`proof`]), and an attempt is answered once.
//!
//! # The API, for whoever writes an authenticator
//!
//! JSON in, JSON out; `docs/authenticator.md` tells it with examples. Errors are `{"error": …, "message": …}` with status 400 (the
//! request is malformed or refused; `last` where the device can't be removed because it is the only one), 401 (the signature isn't good, or the request came before; `clock`
//! with the server's `now` in Unix milliseconds where only the time is wrong), 429 (too many) or 503 (try again).
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /authenticator/v1/activate` | `tenant`, `code` (both from the activation link `https://HOST/activate/TENANT/CODE`), `public_key` (65 bytes, SEC 1 uncompressed P-256, base64url), `name`, `totp` (whether passcodes are wanted) | `tenant`, `user`, `phone`; `totp`: `secret` (base32), `algorithm`, `digits`, `period` |
//! | `GET /authenticator/v1/requests?wait=30` | signed; waits up to `wait` seconds (0 to 50) | `requests`: `id`, `application`, `username`, `ip`, `place`, `browser`, `os`, `hostname`, `details` (pairs), `typed` (whether the six digits are asked for), `created`, `expires` (Unix seconds) |
//! | `POST /authenticator/v1/requests/ID` | signed; `answer` (`approve`, `deny`, `fraud`), `code` where `typed` | `accepted`: whether the answer counted |
//! | `GET /authenticator/v1/account` | signed | `organisation`, `brand`, `host`, `username`, `name`, `created`, `totp`, `push` |
//! | `POST /authenticator/v1/account` | signed; `name` | `{}` |
//! | `DELETE /authenticator/v1/account` | signed | `{}`; the device is nobody's from then on |
//! | `POST /authenticator/v1/move` | signed | `link` (an activation link for the next device, which takes this one's place), `expires`, `qr` (the link's QR code: rows of modules, `1` for dark) |
//! | `GET /authenticator/v1/push_key?tenant=ID` | | `public_key` for Web Push (65 bytes, base64url), or null |
//! | `POST /authenticator/v1/subscription` | signed; `subscription` (the browser's `PushSubscription` as JSON) or null | `{}` |
//!
//! To add a request: a function in the file of what it is about, its line in [`router`] and in the table, and a call of `auth`.

mod account;
mod activate;
mod cors;
mod error;
pub mod proof;
mod requests;
mod subscription;

use auth::Auth;
use axum::{
    Router, middleware,
    routing::{get, post},
};
use std::sync::Arc;

/// The door's routes.
pub fn router(auth: &Arc<Auth>) -> Router {
    Router::new()
        .route("/authenticator/v1/activate", post(activate::activate))
        .route("/authenticator/v1/requests", get(requests::list))
        .route("/authenticator/v1/requests/{id}", post(requests::answer))
        .route("/authenticator/v1/account", get(account::show).post(account::rename).delete(account::remove))
        .route("/authenticator/v1/move", post(account::make_room))
        .route("/authenticator/v1/push_key", get(subscription::key))
        .route("/authenticator/v1/subscription", post(subscription::set))
        .route_layer(middleware::from_fn(cors::allow))
        .with_state(Arc::clone(auth))
}

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::subscription::fuzz_wanted;
}
