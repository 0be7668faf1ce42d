//! `/healthz`, `/readyz`, `/metrics`: for the machines that look after the process; `/metrics/routes`: for the people who do.

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

/// What is shown to those who look after the server, in words: the carriers of messages, the routes, how they do.
pub type Overview = Arc<dyn Fn() -> String + Send + Sync>;

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
    /// The carriers and routes.
    pub(crate) routes: Overview,
}

impl Health {
    /// The routes for the main listener: `/metrics` and what lies below it are there only with a token.
    pub(crate) fn public<S: Clone + Send + Sync + 'static>(self, token: Option<SecretString>) -> Router<S> {
        match token {
            Some(token) => self.clone().probes().merge(self.numbers(Some(Arc::new(token)))),
            None => self.probes(),
        }
    }

    /// The routes for a listener that only the machines reach.
    pub(crate) fn private<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        self.clone().probes().merge(self.numbers(None))
    }

    fn numbers<S: Clone + Send + Sync + 'static>(self, token: Option<Arc<SecretString>>) -> Router<S> {
        let (registry, routes, again) = (self.registry, self.routes, token.clone());
        let metrics = move |headers: HeaderMap| async move {
            if may_see(&headers, token.as_deref()) { text(&registry) } else { refused() }
        };
        let routes = move |headers: HeaderMap| async move {
            if may_see(&headers, again.as_deref()) { routes().into_response() } else { refused() }
        };
        Router::new().route("/metrics", get(metrics)).route("/metrics/routes", get(routes))
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

/// Whether a request has the token, where one is needed.
fn may_see(headers: &HeaderMap, token: Option<&SecretString>) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    token.is_none_or(|token| given.is_some_and(|given| token.ct_eq(given)))
}

fn refused() -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], "a token is needed\n").into_response()
}

fn text(registry: &Registry) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], registry.render()).into_response()
}
