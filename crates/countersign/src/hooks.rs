//! The routes that message suppliers call back on. What a callback means is decided in `messaging`; this only carries it.

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use messaging::{HOOKS_PATH, Hook, HookError, HookReply, Hooks, What};
use std::sync::Arc;

/// No callback is longer.
const LONGEST: usize = 64 * 1024;

/// The routes.
pub fn router(hooks: Arc<Hooks>) -> Router {
    Router::new()
        .route(&format!("{HOOKS_PATH}{{carrier}}/{{what}}"), get(without_ticket).post(without_ticket))
        .route(&format!("{HOOKS_PATH}{{carrier}}/{{what}}/{{ticket}}"), get(with_ticket).post(with_ticket))
        .with_state(hooks)
}

async fn without_ticket(
    State(hooks): State<Arc<Hooks>>,
    Path((carrier, what)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    answer(&hooks, &carrier, &what, "", request).await
}

async fn with_ticket(
    State(hooks): State<Arc<Hooks>>,
    Path((carrier, what, ticket)): Path<(String, String, String)>,
    request: Request<Body>,
) -> Response {
    answer(&hooks, &carrier, &what, &ticket, request).await
}

async fn answer(hooks: &Hooks, carrier: &str, what: &str, ticket: &str, request: Request<Body>) -> Response {
    match take(hooks, carrier, what, ticket, request).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            if reply.content_type.is_empty() {
                status.into_response()
            } else {
                (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
            }
        }
        Err(error) => {
            // Anybody can send one: a line for each would let strangers fill the disk.
            match &error {
                HookError::Store(_) => tracing::warn!(%error, "a supplier's callback could not be taken"),
                _ => tracing::debug!(%error, "a supplier's callback was refused"),
            }
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            metrics::counter!("countersign_callbacks_refused_total", "status" => status.as_u16().to_string())
                .increment(1);
            status.into_response()
        }
    }
}

async fn take(
    hooks: &Hooks,
    carrier: &str,
    what: &str,
    ticket: &str,
    request: Request<Body>,
) -> Result<HookReply, HookError> {
    let what = What::of(what).ok_or(HookError::NotFound)?;
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|_| HookError::Malformed)?.to_bytes();
    let hook = Hook {
        what,
        ticket,
        is_get: parts.method == Method::GET,
        target: parts.uri.path_and_query().map_or("/", |path| path.as_str()),
        headers: &parts.headers,
        body: &body,
    };
    hooks.take(carrier, &hook).await
}
