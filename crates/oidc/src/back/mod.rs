//! The back room: what programs ask, without a browser.

use crate::frame::place::Entry;
use axum::Router;

/// Its routes.
pub(crate) fn routes() -> Router<Entry> {
    Router::new()
}
