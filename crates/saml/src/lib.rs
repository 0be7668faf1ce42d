//! The door for applications that speak SAML 2.0, as their identity provider.
//!
//! It reads an application's request, checks it wholly, asks `sso` where the browser stands, and answers with an assertion or with the reason
//! why there is none. It decides nothing about people, keeps nothing but what stands sealed in the store, sends a browser nowhere but to
//! registered addresses, believes nothing of a message that its signature doesn't cover, takes no algorithm from a message that isn't in its
//! own table, and resolves no artifacts. Applications that can hear without a browser are told by [`BackChannel`] of a session's end.
//!
//! | address | what |
//! |---|---|
//! | `/saml/metadata` | who we are: signed, with all keys that sign, will sign or have just signed |
//! | `/saml/sso` | requests to sign in, by Redirect or POST |
//! | `/saml/slo` | requests to sign out, and answers to ours; requests also by SOAP |
//! | `/saml/continue/{id}` | a browser that comes back for what was kept for it |
//! | `/saml/farewell/{id}` | a session was ended by another door: applications are told |
//! | `/saml/start/{party}` | a sign-in that begins here |
//!
//! [`flow`] has a file for each way, [`message`] one for each message, [`metadata`] reads and writes metadata.
//!
//! # How to add an address
//!
//! A function `async fn(&Call, …) -> Result<Response, Refused>` in [`flow`], and its line in [`router`]. What it keeps for the browser is a
//! variant of [`flow::Kept`]. What goes wrong before it is known where an answer may go is a [`Refused`], which becomes a page; what goes
//! wrong after it is a status in an answer.

mod back_channel;
mod context;
mod door;
mod error;
mod flow;
mod message;
pub mod metadata;
mod names;
mod page;
mod time;

pub use back_channel::BackChannel;
pub use door::Door;
pub use error::Refused;

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{any, get},
};
use door::Call;
use flow::incoming::Incoming;
use http::{HeaderValue, Request, StatusCode, header, request::Parts};
use std::sync::Arc;

/// The door's routes.
pub fn router(door: &Arc<Door>) -> Router {
    Router::new()
        .route("/saml/metadata", get(own_metadata))
        .route("/saml/sso", any(sign_on))
        .route("/saml/slo", any(sign_out))
        .route("/saml/continue/{id}", get(resume))
        .route("/saml/farewell/{id}", get(farewell))
        .route("/saml/start/{party}", get(start))
        .with_state(Arc::clone(door))
}

/// Whether a route's template is this door's.
#[must_use]
pub fn owns(route: &str) -> bool {
    route.starts_with("/saml/")
}

async fn sign_on(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    let done = match Incoming::read(request).await {
        Ok((parts, incoming)) => match Call::open(&door, &parts).await {
            Ok(call) => flow::sign_on::take(&call, incoming).await,
            Err(refused) => Err(refused),
        },
        Err(refused) => Err(refused),
    };
    told("request", done)
}

async fn sign_out(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if flow::soap::is_soap(&parts) {
        return flow::soap::take(&door, Request::from_parts(parts, body)).await;
    }
    let done = match Incoming::read(Request::from_parts(parts, body)).await {
        Ok((parts, incoming)) => match Call::open(&door, &parts).await {
            Ok(call) => flow::logout::take(&call, incoming).await,
            Err(refused) => Err(refused),
        },
        Err(refused) => Err(refused),
    };
    told("logout", done)
}

async fn resume(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    let tried = has(query.as_deref(), flow::sign_on::TRIED);
    let done = match Call::open(&door, &parts).await {
        Ok(call) => flow::resume(&call, &id, tried).await,
        Err(refused) => Err(refused),
    };
    told("continue", done)
}

/// Whether a query has this word in it; other pages put their own beside it.
fn has(query: Option<&str>, word: &str) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part == word))
}

async fn farewell(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    let goes_on = has(query.as_deref(), flow::GO);
    let done = match Call::open(&door, &parts).await {
        Ok(call) => flow::farewell(&call, &id, goes_on).await,
        Err(refused) => Err(refused),
    };
    told("farewell", done)
}

async fn start(
    State(door): State<Arc<Door>>,
    Path(party): Path<String>,
    RawQuery(query): RawQuery,
    parts: Parts,
) -> Response {
    let done = match Call::open(&door, &parts).await {
        Ok(call) => flow::start::start(&call, &party, query.as_deref(), &parts.headers).await,
        Err(refused) => Err(refused),
    };
    told("start", done)
}

async fn own_metadata(State(door): State<Arc<Door>>, parts: Parts) -> Response {
    let done = match Call::open(&door, &parts).await {
        Ok(call) => metadata::answer(&call).await,
        Err(refused) => Err(refused),
    };
    match done {
        Ok(text) => {
            let mut response = Response::new(Body::from(text.to_string()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/samlmetadata+xml"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
            page::guarded(response)
        }
        Err(Refused::UnknownHost) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
        Err(refused) => told("metadata", Err(refused)),
    }
}

/// The answer; a refusal is a page, and is counted.
fn told(what: &'static str, done: Result<Response, Refused>) -> Response {
    let done = done.map(page::guarded);
    done.unwrap_or_else(|refused| {
        door::count(what, refused.word());
        tracing::info!(what, why = refused.word(), "a SAML message was not taken");
        page::refused(&refused)
    })
}

/// What the fuzzers and the benchmark call.
#[doc(hidden)]
pub mod exposed;
