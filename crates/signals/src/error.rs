//! What is told when a request fails. Texts are fixed: nothing that somebody sent is in them.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use jose::Algorithms;
use serde_json::{Value, json};
use sso::SsoError;

/// Why a request isn't served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No access token, or none that is good.
    Token,
    /// A good one that isn't for this.
    Scope,
    /// Not a request that can be served; why.
    Request(&'static str),
    /// Nothing of the kind is this client's.
    NotFound,
    /// There are as many as there may be.
    TooMany,
    /// A fault of ours.
    Ours,
}

impl Refusal {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Token => (StatusCode::UNAUTHORIZED, "invalid_token", "An access token is needed."),
            Self::Scope => (StatusCode::FORBIDDEN, "insufficient_scope", "The access token is not for this."),
            Self::Request(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such one."),
            Self::TooMany => (StatusCode::CONFLICT, "too_many", "There are as many as there may be."),
            Self::Ours => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Try again later."),
        }
    }
}

impl From<SsoError> for Refusal {
    fn from(error: SsoError) -> Self {
        tracing::error!(%error, "single sign-on failed");
        Self::Ours
    }
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::Ours
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description) = self.parts();
        let mut response = answer(status, &json!({ "error": error, "error_description": description }));
        // RFC 6750 §3, RFC 9449 §7.1.
        let word = match self {
            Self::Token => "invalid_token",
            Self::Scope => "insufficient_scope",
            _ => return response,
        };
        let algorithms = Algorithms::ASYMMETRIC.names().join(" ");
        for line in [format!("Bearer error=\"{word}\""), format!("DPoP algs=\"{algorithms}\", error=\"{word}\"")] {
            if let Ok(line) = HeaderValue::from_str(&line) {
                response.headers_mut().append(header::WWW_AUTHENTICATE, line);
            }
        }
        response
    }
}

/// JSON that nobody keeps.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An answer that says nothing more.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
