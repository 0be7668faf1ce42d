//! `POST /ssf/poll/{stream}`: a receiver fetches its events, and says which it has (RFC 8936 §2).

use crate::{
    Door, ask,
    caller::{Caller, Scope},
    error::{Refusal, answer},
    streams::own,
    token,
};
use axum::{
    body::Body,
    extract::{Path, Request, State},
    response::Response,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use types::SignalId;

/// Events of one answer.
const MOST: usize = 100;
/// Events that one request acknowledges or refuses.
const MOST_ACKS: usize = 1000;
/// How long a request waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    max_events: Option<usize>,
    #[serde(default)]
    return_immediately: bool,
    #[serde(default)]
    ack: Vec<String>,
    #[serde(default)]
    set_errs: BTreeMap<String, Value>,
}

pub(crate) async fn poll(
    State(door): State<Arc<Door>>,
    Path(stream): Path<String>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let caller = Caller::of(&door, &parts, Scope::Read).await?;
    let wanted: Wanted = ask::json(&parts, body).await?;
    let stream = own(&caller, stream.parse().map_err(|_| Refusal::NotFound)?).await?;
    if stream.method != "poll" {
        return Err(Refusal::Request("This stream is pushed."));
    }
    if wanted.ack.len() + wanted.set_errs.len() > MOST_ACKS {
        return Err(Refusal::Request("Too many events are named."));
    }
    if !wanted.set_errs.is_empty() {
        tracing::warn!(tenant = %caller.tenant, stream = %stream.id, count = wanted.set_errs.len(), "a receiver refuses events");
    }
    // What it has refused it doesn't get again either: the same token would be refused again.
    let done: Vec<SignalId> =
        wanted.ack.iter().chain(wanted.set_errs.keys()).filter_map(|id| id.parse().ok()).collect();
    if !done.is_empty() {
        let mut tx = caller.rows().begin().await?;
        for id in done {
            tx.signal_done(stream.id, id).await?;
        }
        tx.commit().await?;
    }
    let most = wanted.max_events.unwrap_or(MOST).min(MOST);
    let mut sets = Map::new();
    let mut more = false;
    if most > 0 && stream.status == "enabled" {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            (sets, more) = waiting(&caller, &stream, most).await?;
            if !sets.is_empty() || wanted.return_immediately || tokio::time::Instant::now() >= until {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    let mut body = json!({ "sets": sets });
    if let Some(body) = body.as_object_mut().filter(|_| more) {
        body.insert("moreAvailable".to_owned(), true.into());
    }
    Ok(answer(StatusCode::OK, &body))
}

/// The oldest events that wait, as tokens, and whether there are more. What can't be told to this receiver is taken out.
async fn waiting(
    caller: &Caller,
    stream: &store::StreamRow,
    most: usize,
) -> Result<(Map<String, Value>, bool), Refusal> {
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let rows = caller.rows().waiting_signals(stream.id, limit).await?;
    let more = rows.len() > most;
    let mut sets = Map::new();
    for row in rows.into_iter().take(most) {
        match token::make(&caller.sso, &caller.issuer, &caller.party, stream, &row).await? {
            Some(token) => drop(sets.insert(row.id.to_string(), token.into())),
            None => {
                let mut tx = caller.rows().begin().await?;
                tx.signal_done(stream.id, row.id).await?;
                tx.commit().await?;
            }
        }
    }
    Ok((sets, more))
}
