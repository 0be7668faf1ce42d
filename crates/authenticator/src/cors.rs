//! Lets an authenticator of another origin in: one installed web app holds accounts of several organisations, each at its own host.
//!
//! There is nothing here that a browser adds by itself: no cookie is read, and each request is signed by a key that only the
//! device's own page has. So any origin may ask, and none may send credentials of the browser's own.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

const ANSWERS: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE")),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
    (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200")),
];

/// Answers what a browser asks before it sends a request (Fetch §4.8), and marks every answer as readable by any origin.
pub(crate) async fn allow(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        next.run(request).await
    };
    for (name, value) in ANSWERS {
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
