//! OIDC as Duo's web clients speak it (`duo_universal` and its kin): the health check, the way into the Universal Prompt, and the
//! token that says how it ended.
//!
//! Who the client is stands in JWTs that it signs with its secret key; what it may ask stands in the same. The sign-in between
//! `authorize` and `token` is the engine's ([`auth::sign_in`]) and its pages are another door's. Nothing here decides who may sign
//! in, nothing leads to an address that the client didn't sign, and no failure is answered with a token.
//!
//! Wire facts: duo-wire.md §0 (constraints 5, 7), §1.5, and the sources of Duo's clients, named where they matter.

mod assertion;
mod authorize;
mod error;
mod form;
mod health_check;
mod id_token;
mod redirect;
mod token;

use crate::door::Door;
use axum::{Router, body::Body, extract::State, response::Response, routing::any};
use error::OAuthError;
use form::Form;
use http::{Method, Request};
use std::sync::Arc;

const HEALTH_CHECK: &str = "/oauth/v1/health_check";
const AUTHORIZE: &str = "/oauth/v1/authorize";
const TOKEN: &str = "/oauth/v1/token";

/// How browsers reach the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// As everybody does.
    Https,
    /// On the machine itself, where a demonstration runs: a browser takes no `__Host-` cookie there.
    Http,
}

/// A door with its scheme.
#[derive(Clone)]
struct Entry {
    door: Arc<Door>,
    scheme: Scheme,
}

/// The three paths.
pub(crate) fn router(door: &Arc<Door>, scheme: Scheme) -> Router {
    Router::new()
        .route(HEALTH_CHECK, any(health_check))
        .route(AUTHORIZE, any(authorize))
        .route(TOKEN, any(token))
        .with_state(Entry { door: Arc::clone(door), scheme })
}

async fn health_check(State(Entry { door, .. }): State<Entry>, request: Request<Body>) -> Response {
    let now = door.auth.world().now().seconds();
    if request.method() != Method::POST {
        return OAuthError::Method.envelope(now);
    }
    match Form::read(request).await {
        Ok(form) => health_check::health_check(&door, &form).await,
        Err((_, error)) => error.envelope(now),
    }
}

async fn authorize(State(Entry { door, scheme }): State<Entry>, request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return OAuthError::Method.page(request.headers());
    }
    match Form::read(request).await {
        Ok(form) => authorize::authorize(&door, scheme, &form).await.unwrap_or_else(|error| error.page(form.headers())),
        Err((parts, error)) => error.page(&parts.headers),
    }
}

async fn token(State(Entry { door, .. }): State<Entry>, request: Request<Body>) -> Response {
    if request.method() != Method::POST {
        return OAuthError::Method.json();
    }
    match Form::read(request).await {
        Ok(form) => token::token(&door, &form).await.unwrap_or_else(OAuthError::json),
        Err((_, error)) => error.json(),
    }
}

/// The answer to a request here that a fault of ours ended: nobody was signed in by it.
pub(crate) fn answer_to_panic(path: &str) -> Option<Response> {
    match path {
        HEALTH_CHECK => Some(OAuthError::Internal.envelope(0)),
        AUTHORIZE | TOKEN => Some(OAuthError::Internal.json()),
        _ => None,
    }
}
