//! The routes that the message supplier calls back on. What a callback means is decided in `messaging`; this only carries it.

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use messaging::{GATHER_PATH, HookError, HookReply, INBOUND_PATH, STATUS_PATH, TwilioHooks};
use std::sync::Arc;

/// No callback's form is longer.
const LONGEST: usize = 32 * 1024;

#[derive(Clone, Copy)]
enum Hook {
    Status,
    Gather,
    Inbound,
}

/// The routes.
pub fn router(hooks: Arc<TwilioHooks>) -> Router {
    let on = |hook: Hook| {
        let hooks = Arc::clone(&hooks);
        post(move |State(()): State<()>, request: Request<Body>| {
            let hooks = Arc::clone(&hooks);
            async move { answer(&hooks, hook, request).await }
        })
    };
    Router::new()
        .route(&format!("{STATUS_PATH}{{ticket}}"), on(Hook::Status))
        .route(&format!("{GATHER_PATH}{{ticket}}"), on(Hook::Gather))
        .route(INBOUND_PATH, on(Hook::Inbound))
}

async fn answer(hooks: &TwilioHooks, hook: Hook, request: Request<Body>) -> Response {
    match take(hooks, hook, request).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            if reply.content_type.is_empty() {
                status.into_response()
            } else {
                (status, [(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response()
            }
        }
        Err(error) => {
            tracing::warn!(%error, "a supplier's callback was refused");
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST).into_response()
        }
    }
}

async fn take(hooks: &TwilioHooks, hook: Hook, request: Request<Body>) -> Result<HookReply, HookError> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|_| HookError::Malformed)?.to_bytes();
    let form =
        duo_api::wire::parse_urlencoded(&body, &duo_api::wire::Limits::DEFAULT).map_err(|_| HookError::Malformed)?;
    let signature = parts.headers.get("x-twilio-signature").and_then(|value| value.to_str().ok());
    let url = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    match hook {
        Hook::Status => hooks.status_callback(url, signature, &form).await,
        Hook::Gather => hooks.gather(url, signature, &form).await,
        Hook::Inbound => hooks.inbound(url, signature, &form),
    }
}
