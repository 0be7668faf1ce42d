//! `ping` and `check`: whether the server is there, and whether the client's keys are right.

use crate::{
    door::{Call, Door},
    pipeline,
    wire::{ApiError, Encoding, Envelope},
};
use axum::response::IntoResponse;
use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::json;
use std::sync::Arc;

/// `GET /auth/v2/ping`: signed or not (Go's `Call` and the npm client don't sign it; duo_unix from 2.2 does and sets its clock
/// by it). The signature is not looked at: the time is no secret, and a client with a wrong clock can't sign.
pub(super) fn router(door: &Arc<Door>) -> Router {
    Router::new().route("/auth/v2/ping", get(ping).fallback(pipeline::wrong_method)).with_state(Arc::clone(door))
}

async fn ping(State(door): State<Arc<Door>>) -> Response {
    let time = door.auth.world().now().seconds();
    Encoding::Json.reply(Ok(Envelope::ok(json!({ "time": time })))).into_response()
}

/// `GET /auth/v2/check`: the time, if the signature is right.
pub(super) async fn check(call: Call) -> Result<Envelope, ApiError> {
    Ok(Envelope::ok(json!({ "time": call.auth().world().now().seconds() })))
}
