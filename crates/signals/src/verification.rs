//! `POST /ssf/verify`: a receiver asks for an event, to see that its stream works (SSF 1.0 §8.1.4).

use crate::{
    Door, ask,
    caller::{Caller, Scope},
    error::{Refusal, empty},
    streams::{VERIFIED_EACH, own},
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use store::{fields, limits::Limit};
use types::SignalId;

/// The longest state, in bytes.
const LONGEST_STATE: usize = 1024;
const LIMIT: Limit = Limit { max: 5, window: Duration::from_secs(5 * VERIFIED_EACH) };

#[derive(Deserialize)]
struct Wanted {
    stream_id: String,
    state: Option<String>,
}

pub(crate) async fn ask(State(door): State<Arc<Door>>, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Manage).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    if wanted.state.as_ref().is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(Refusal::Request("The state has at most 1024 bytes."));
    }
    let row = own(&caller, wanted.stream_id.parse().map_err(|_| Refusal::NotFound)?).await?;
    let world = caller.sso.world();
    let now = world.now();
    let bucket = caller.rows().keys().await?.digest(fields::LIMIT, &[b"ssf verify", row.id.as_bytes()]);
    let mut tx = caller.rows().begin().await?;
    if !tx.spend(bucket, LIMIT, 1, now).await? {
        let mut response = empty(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LIMIT.window.as_secs()));
        return Ok(response);
    }
    let detail = json!({ "state": wanted.state }).to_string();
    let id = SignalId::new(now, world.random.as_ref());
    if !tx.signal_stream(row.id, id, "verification", &detail, now).await? {
        return Err(Refusal::Request("The stream is disabled."));
    }
    tx.commit().await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
