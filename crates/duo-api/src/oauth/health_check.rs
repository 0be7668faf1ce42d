//! `POST /oauth/v1/health_check`: whether this server can take its users, asked by an application before it sends one.

use super::{assertion, error, form::Form};
use crate::{
    door::Door,
    wire::{Encoding, Envelope},
};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Parameters: `client_id`, `client_assertion`. Gives `timestamp`.
///
/// An application that is switched off is told that all is well: it may be configured to let people in when it is not, and its users
/// are told at the sign-in. What it is told when this server fails is the truth, for that is its question.
pub(super) async fn health_check(door: &Door, form: &Form) -> Response {
    let timestamp = door.auth.world().now().seconds();
    match assertion::prove(door, form, super::HEALTH_CHECK).await {
        Ok(_) => {
            let envelope = Envelope::ok(json!({ "timestamp": timestamp }));
            let mut response = Encoding::Json.reply(Ok(envelope)).into_response();
            error::secure(response.headers_mut());
            response
        }
        Err(error) => error.envelope(timestamp),
    }
}
