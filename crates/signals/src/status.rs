//! `/ssf/status`: a stream is paused, switched off and on again (SSF 1.0 §8.1.2).

use crate::{
    Door, ask,
    caller::{Caller, Scope},
    error::{Refusal, answer},
    streams::own,
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use store::StreamRow;
use types::SignalId;

#[derive(Deserialize)]
struct Wanted {
    stream_id: String,
    status: String,
}

fn shown(row: &StreamRow) -> Response {
    answer(StatusCode::OK, &json!({ "stream_id": row.id.to_string(), "status": row.status }))
}

/// `GET`.
pub(crate) async fn read(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Read).await?;
    let id = ask::stream(&parts.uri)?.ok_or(Refusal::Request("The stream_id is missing."))?;
    Ok(shown(&own(&caller, id).await?))
}

/// `POST`. What happens while a stream is paused waits for it; while it is disabled, it is lost.
pub(crate) async fn change(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Manage).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    let id = wanted.stream_id.parse().map_err(|_| Refusal::NotFound)?;
    if !matches!(wanted.status.as_str(), "enabled" | "paused" | "disabled") {
        return Err(Refusal::Request("The status must be enabled, paused or disabled."));
    }
    let world = caller.sso.world();
    let now = world.now();
    let mut tx = caller.rows().begin().await?;
    let held = tx.hold_signal_stream(id, caller.party.ikey(), now).await?;
    let mut row = held.ok_or(Refusal::NotFound)?;
    let changed = row.status != wanted.status;
    row.status = wanted.status;
    if !tx.change_signal_stream(&row, now).await? {
        return Err(Refusal::NotFound);
    }
    if changed {
        let detail = json!({ "status": row.status }).to_string();
        let id = SignalId::new(now, world.random.as_ref());
        // A stream that is off isn't told so; its receiver has switched it off.
        tx.signal_stream(row.id, id, "stream-updated", &detail, now).await?;
        tx.log_act(world, caller.party.ikey(), "signal_stream_status", &caller.party.app.name, &detail).await?;
    }
    tx.commit().await?;
    Ok(shown(&row))
}
