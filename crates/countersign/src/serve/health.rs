//! `/healthz`, `/readyz`, `/metrics`: for the machines that look after the process.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode, header};
use types::SecretString;

use super::Shutdown;
use crate::telemetry::Registry;

/// Whether the engine can answer sign-ins: `Err` has a word of ours for what is missing (`"store"`), never an error's
/// text. Asked on each `/readyz`, so it should be cheap.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), &'static str>> + Send + Sync>;

/// Who may not be kept waiting: a probe that hears nothing takes the process for dead.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Health {
    /// The engine's word.
    pub(crate) ready: Readiness,
    /// Whether the process is stopping.
    pub(crate) shutdown: Shutdown,
    /// The numbers.
    pub(crate) registry: Arc<Registry>,
}

impl Health {
    /// The routes for the main listener: `/metrics` is there only with a token.
    pub(crate) fn public<S: Clone + Send + Sync + 'static>(self, token: Option<SecretString>) -> Router<S> {
        let registry = self.registry.clone();
        let router = self.probes();
        let Some(token) = token.map(Arc::new) else { return router };
        let metrics = move |headers: HeaderMap| async move {
            let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            match given.and_then(|value| value.strip_prefix("Bearer ")) {
                Some(given) if token.ct_eq(given) => text(&registry),
                _ => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], "a token is needed\n")
                    .into_response(),
            }
        };
        router.route("/metrics", get(metrics))
    }

    /// The routes for a listener that only the machines reach.
    pub(crate) fn private<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let registry = self.registry.clone();
        self.probes().route("/metrics", get(move || async move { text(&registry) }))
    }

    fn probes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        Router::new()
            .route("/healthz", get(|| async { "alive\n" }))
            .route("/readyz", get(move || async move { self.readiness().await }))
    }

    async fn readiness(self) -> Response {
        let missing = if self.shutdown.has_begun() {
            Some("stopping")
        } else {
            match tokio::time::timeout(PATIENCE, (self.ready)()).await {
                Ok(Ok(())) => None,
                Ok(Err(missing)) => Some(missing),
                Err(_) => Some("timeout"),
            }
        };
        match missing {
            None => "ready\n".into_response(),
            Some(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")).into_response(),
        }
    }
}

fn text(registry: &Registry) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], registry.render()).into_response()
}
