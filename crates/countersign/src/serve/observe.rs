//! The one layer around every route: takes the body in, bounds the time, catches panics, and accounts for the request.
//!
//! One layer and not ten: each would be another boxed call per request. It sits inside the router, because the matched
//! route's template is known only there, and the template is all that may be said about a request.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::MatchedPath, response::Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Request, header};
use hyper::body::Body as _;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt as _};
use tracing::Instrument as _;
use types::World;

use super::{
    body::{self, BodyLimits},
    connections::{Place, State},
    failure::{Failed, Failure, OnFailure, plain},
    http_metrics::{HttpMetrics, UNMATCHED},
};
use crate::telemetry::ACCESS;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every request shares.
pub(crate) struct Rules {
    /// How much a body may be.
    pub(crate) body: BodyLimits,
    /// How long a handler may take.
    pub(crate) request: Duration,
    /// Who words the answer when there is none.
    pub(crate) on_failure: OnFailure,
    /// The numbers.
    pub(crate) metrics: Arc<HttpMetrics>,
    /// Whether browsers are told to come by HTTPS only from now on.
    pub(crate) strict_transport: bool,
    /// Names the requests.
    pub(crate) ids: RequestIds,
}

/// Names for requests: they tell lines of one request from another's, and mean nothing.
pub(crate) struct RequestIds {
    process: u32,
    next: AtomicU32,
}

impl RequestIds {
    /// A process's share of names.
    #[must_use]
    pub(crate) fn new(world: &World) -> Self {
        Self { process: u32::from_le_bytes(world.bytes()), next: AtomicU32::new(0) }
    }

    fn next(&self) -> String {
        format!("{:08x}{:08x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The layer.
#[derive(Clone)]
pub(crate) struct Observe(pub Arc<Rules>);

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observed { inner, rules: self.0.clone() }
    }
}

/// A route with the layer around it.
#[derive(Clone)]
pub(crate) struct Observed<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The clone that a call works on is waited for in the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let started = Instant::now();
        let (inner, rules) = (self.inner.clone(), self.rules.clone());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let method = request.method().clone();
        let id = rules.ids.next();
        let span = tracing::info_span!(
            target: "countersign::http",
            "request",
            id,
            // A method is the client's word: only those of the standard are repeated.
            method = if method.as_str().len() <= 7 { method.as_str() } else { "other" },
            route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str),
        );
        let work = async move {
            let template = route.as_ref().map(MatchedPath::as_str);
            let mut gone = Gone(Some(&rules.metrics));
            let mut response = match answer(inner, request, &rules).await {
                Ok(response) => response,
                Err(failure) => {
                    rules.metrics.failed(failure.word());
                    tracing::warn!(target: "countersign::http", failure = failure.word(), "a request failed");
                    word(&rules.on_failure, Failed { route: template, method: &method, failure })
                }
            };
            gone.0 = None;
            finish(&mut response, &id, rules.strict_transport);
            let took = started.elapsed();
            rules.metrics.answered(template.unwrap_or(UNMATCHED), &method, response.status(), took);
            let (status, micros) = (response.status().as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            tracing::info!(target: ACCESS, status, micros, "answered");
            Ok(response)
        };
        Box::pin(work.instrument(span))
    }
}

async fn answer<S>(inner: S, request: Request<Body>, rules: &Rules) -> Result<Response, Failure>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    let (mut head, body) = request.into_parts();
    let place = head.extensions.remove::<Arc<Place>>();
    let body = arrived(body, place.as_deref(), rules.body).await?;
    let request = Request::from_parts(head, Body::from(body));
    // Nothing of a handler is used again after it panicked.
    let handled = AssertUnwindSafe(inner.oneshot(request)).catch_unwind();
    match tokio::time::timeout(rules.request, handled).await {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_panic)) => Err(Failure::Panic),
        Err(_elapsed) => Err(Failure::Timeout),
    }
}

/// The whole body. While it comes, its connection is one that may have to make room.
async fn arrived(body: Body, place: Option<&Place>, limits: BodyLimits) -> Result<Bytes, Failure> {
    if let Some(place) = place
        && !body.is_end_stream()
    {
        place.enter(State::Body);
    }
    let whole = body::collect(body, limits).await;
    if let Some(place) = place {
        place.enter(State::Busy);
    }
    whole
}

/// Asks for the answer's wording, also when the one who is asked panics.
fn word(on_failure: &OnFailure, failed: Failed<'_>) -> Response {
    std::panic::catch_unwind(AssertUnwindSafe(|| on_failure(failed))).unwrap_or_else(|_| plain(failed))
}

fn finish(response: &mut Response, id: &str, strict_transport: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if strict_transport {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// Counts a request whose client went away before the answer: its future is dropped.
struct Gone<'a>(Option<&'a HttpMetrics>);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        if let Some(metrics) = self.0 {
            metrics.failed("client_gone");
        }
    }
}
