//! The back room: what programs ask, without a browser.

pub(crate) mod dpop;
pub(crate) mod fapi;
pub(crate) mod jar;
pub(crate) mod par;
use crate::Door;
use axum::Router;
use std::sync::Arc;

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Door>> {
    Router::new()
}
