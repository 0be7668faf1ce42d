//! The requests that wait on a device, and the owner's answers.

use crate::{error::Failure, proof};
use auth::{Answer, Auth, Request as Waiting};
use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use types::SecretString;

/// The longest wait, in seconds: below what proxies cut.
const LONGEST_WAIT: u64 = 50;

/// `GET /authenticator/v1/requests?wait=30`.
pub(crate) async fn list(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, parts, _) = proof::verify(&auth, request).await?;
    let wait = match parts.uri.query() {
        None | Some("") => 0,
        Some(query) => query
            .strip_prefix("wait=")
            .and_then(|seconds| seconds.parse::<u64>().ok())
            .filter(|seconds| *seconds <= LONGEST_WAIT)
            .ok_or(Failure::Malformed("the query is not wait=0 to 50"))?,
    };
    let requests = auth.requests(&device, Duration::from_secs(wait)).await?;
    Ok(Json(json!({ "requests": requests.iter().map(shown).collect::<Vec<_>>() })))
}

fn shown(request: &Waiting) -> Value {
    json!({
        "id": request.id.to_string(),
        "application": request.application,
        "username": request.username,
        "ip": request.ip.map(|ip| ip.to_string()),
        "place": request.place,
        "browser": request.browser,
        "os": request.os,
        "hostname": request.hostname,
        "details": request.details,
        "typed": request.typed,
        "created": request.created,
        "expires": request.expires,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    answer: String,
    code: Option<String>,
}

/// `POST /authenticator/v1/requests/ID`.
pub(crate) async fn answer(
    State(auth): State<Arc<Auth>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<Value>, Failure> {
    let (device, _, body) = proof::verify(&auth, request).await?;
    let id = id.parse().map_err(|_| Failure::Malformed("not the id of a request"))?;
    let said: Said = serde_json::from_slice(&body)
        .map_err(|_| Failure::Malformed("the body is not an object of answer and code"))?;
    let answer = match said.answer.as_str() {
        "approve" => Answer::Approve(said.code.map(SecretString::new)),
        "deny" => Answer::Deny,
        "fraud" => Answer::Fraud,
        _ => return Err(Failure::Malformed("answer is approve, deny or fraud")),
    };
    let accepted = auth.answer(&device, id, answer).await?;
    Ok(Json(json!({ "accepted": accepted })))
}
