//! The numbers of the HTTP side, found without a look-up where one can be spared.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use metrics::Label;

use crate::telemetry::{Histogram, Registry};

/// The methods that are counted by name: any client can invent others.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "other"];

/// The status codes that are counted by number.
const CODES: [u16; 17] = [200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405, 408, 413, 429, 500, 503, 0];

/// The route's label where no route matched.
pub(crate) const UNMATCHED: &str = "unmatched";

/// One method on one route.
struct Endpoint {
    latency: Arc<Histogram>,
    codes: [OnceLock<Arc<AtomicU64>>; CODES.len()],
}

/// The endpoints of one route, by method.
type Route = [OnceLock<Endpoint>; METHODS.len()];

/// The numbers of the HTTP side.
pub(crate) struct HttpMetrics {
    registry: Arc<Registry>,
    routes: RwLock<HashMap<Box<str>, Arc<Route>>>,
}

impl HttpMetrics {
    /// Kept in `registry`.
    #[must_use]
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        for (name, help) in [
            ("http_requests_total", "Requests answered, by route template, method and status."),
            ("http_request_seconds", "Time from a request's headers to its answer's, by route template and method."),
            ("http_failures_total", "Requests that no handler answered, by what happened."),
            ("http_connections", "Open connections."),
            ("http_connections_total", "Connections, by what became of them at the door."),
        ] {
            registry.describe(name, help);
        }
        Self { registry, routes: RwLock::default() }
    }

    /// A request was answered.
    pub(crate) fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
        let code = CODES.iter().position(|code| *code == status.as_u16()).unwrap_or(CODES.len() - 1);
        let endpoints = self.route(route);
        let Some((slot, method)) = endpoints.get(method).zip(METHODS.get(method)) else { return };
        let labels = || vec![Label::new("route", route.to_owned()), Label::from_static_parts("method", method)];
        let endpoint = slot.get_or_init(|| Endpoint {
            latency: self.registry.histogram("http_request_seconds", labels()),
            codes: [const { OnceLock::new() }; CODES.len()],
        });
        endpoint.latency.observe(took.as_secs_f64());
        if let Some(counter) = endpoint.codes.get(code) {
            let counter = counter.get_or_init(|| {
                let mut labels = labels();
                let code = CODES.get(code).filter(|code| **code > 0).map_or("other".to_owned(), ToString::to_string);
                labels.push(Label::new("status", code));
                self.registry.counter("http_requests_total", labels)
            });
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A request failed before or in its handler.
    pub(crate) fn failed(&self, what: &'static str) {
        self.count("http_failures_total", "failure", what);
    }

    /// A connection came to the door.
    pub(crate) fn connection(&self, outcome: &'static str) {
        self.count("http_connections_total", "outcome", outcome);
    }

    fn count(&self, name: &'static str, label: &'static str, value: &'static str) {
        let labels = vec![Label::from_static_parts(label, value)];
        self.registry.counter(name, labels).fetch_add(1, Ordering::Relaxed);
    }

    fn route(&self, route: &str) -> Arc<Route> {
        if let Some(found) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return found.clone();
        }
        // Routes come from the router's templates: there are as many as were written.
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.into()).or_insert_with(|| Arc::new([const { OnceLock::new() }; METHODS.len()])).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_template_method_and_status() {
        let registry = Registry::new();
        let metrics = HttpMetrics::new(registry.clone());
        let took = Duration::from_millis(3);
        metrics.answered("/auth/v2/ping", &Method::GET, StatusCode::OK, took);
        metrics.answered("/auth/v2/ping", &Method::GET, StatusCode::OK, took);
        metrics.answered("/auth/v2/ping", &Method::POST, StatusCode::IM_A_TEAPOT, took);
        metrics.answered(UNMATCHED, &Method::from_bytes(b"BREW").expect("a method"), StatusCode::NOT_FOUND, took);
        metrics.failed("panic");
        let text = registry.render();
        for line in [
            "http_requests_total{route=\"/auth/v2/ping\",method=\"GET\",status=\"200\"} 2",
            "http_requests_total{route=\"/auth/v2/ping\",method=\"POST\",status=\"other\"} 1",
            "http_requests_total{route=\"unmatched\",method=\"other\",status=\"404\"} 1",
            "http_request_seconds_bucket{route=\"/auth/v2/ping\",method=\"GET\",le=\"0.0025\"} 0",
            "http_request_seconds_bucket{route=\"/auth/v2/ping\",method=\"GET\",le=\"0.005\"} 2",
            "http_failures_total{failure=\"panic\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }
}
