//! The front room: what browsers and the public ask.

mod authorize;
pub(crate) mod redirect_uri;

use crate::frame::place::Entry;
use axum::Router;

/// Its routes.
pub(crate) fn routes() -> Router<Entry> {
    Router::new()
}

/// What the fuzzers call.
pub mod fuzzing {
    /// Whether an address may be registered, and whether it is one of these.
    #[must_use]
    pub fn redirect_uri(text: &str) -> (bool, bool) {
        let registered = ["https://app.example/cb", "http://127.0.0.1/cb"];
        (super::redirect_uri::may_be_registered(text), super::redirect_uri::is_registered(registered, text))
    }
}
