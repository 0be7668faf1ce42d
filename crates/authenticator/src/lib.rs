//! The door that a person's authenticator answers through: activation, waiting requests, and the owner's yes, no or "not me".
//!
//! It translates and nothing else: whether a code is right, an answer in time, or a signature good is decided in `auth`. It keeps
//! no session: each request is signed by the device's own key (see [`proof`]), and an attempt is answered once.
//!
//! # The API, for whoever writes an authenticator
//!
//! JSON in, JSON out; errors are `{"error": …, "message": …}` with status 400 (the request is malformed or refused), 401 (the
//! signature isn't good) or 503 (try again).
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /authenticator/v1/activate` | `tenant`, `code` (both from the activation link `https://HOST/activate/TENANT/CODE`), `public_key` (65 bytes, SEC 1 uncompressed P-256, base64url), `name` | `tenant`, `user`, `phone` |
//! | `GET /authenticator/v1/requests?wait=30` | signed; waits up to `wait` seconds (0 to 50) | `requests`: `id`, `application`, `username`, `ip`, `hostname`, `details` (pairs), `typed` (whether the six digits are asked for), `created`, `expires` (Unix seconds) |
//! | `POST /authenticator/v1/requests/ID` | signed; `answer` (`approve`, `deny`, `fraud`), `code` where `typed` | `accepted`: whether the answer counted |

mod activate;
mod error;
pub mod proof;
mod requests;

use auth::Auth;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// The door's routes.
pub fn router(auth: &Arc<Auth>) -> Router {
    Router::new()
        .route("/authenticator/v1/activate", post(activate::activate))
        .route("/authenticator/v1/requests", get(requests::list))
        .route("/authenticator/v1/requests/{id}", post(requests::answer))
        .with_state(Arc::clone(auth))
}
