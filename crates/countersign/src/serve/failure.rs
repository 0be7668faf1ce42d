//! Requests that a handler gave no answer to, and who words the answer instead.
//!
//! The server doesn't know what a failure must look like to a client: Duo's clients take a 5xx, a 401 or an unreadable
//! body at preauth for "the service is down" and let the user in, while the same clients take most other 4xx for a
//! refusal. So whoever builds the router also gives an [`OnFailure`], which is told the route and what happened, and
//! words the answer: a denial where that is what the client understands.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, StatusCode, header};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The handler panicked.
    Panic,
    /// The handler took longer than `limits.request_seconds`.
    Timeout,
    /// The body is larger than this many bytes.
    BodyTooLarge(usize),
    /// The body didn't arrive within `limits.body_seconds`.
    BodyTimeout,
    /// The body's framing is broken, or the client went away in the middle of it.
    BodyBroken,
}

impl Failure {
    /// A word for it, for logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyBroken => "body_broken",
        }
    }
}

/// A request that a handler gave no answer to.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The template of the route that was to answer; `None` when none matched.
    pub route: Option<&'a str>,
    /// The method.
    pub method: &'a Method,
    /// What happened.
    pub failure: Failure,
}

/// Words the answer to a [`Failed`] request. It must not panic; should it, [`plain`] answers.
pub type OnFailure = Arc<dyn Fn(Failed<'_>) -> Response + Send + Sync>;

/// The answer where no door knows better: a refusal in Duo's envelope. Never a 5xx and never a 401, which clients take
/// for a reason to let the user in.
#[must_use]
pub fn plain(failed: Failed<'_>) -> Response {
    let (status, code, message, detail) = match failed.failure {
        Failure::Panic | Failure::Timeout => {
            (StatusCode::BAD_REQUEST, 40_000, "The request could not be answered", "internal error".to_owned())
        }
        Failure::BodyTooLarge(limit) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            41_300,
            "The request body is too large",
            format!("at most {limit} bytes are accepted"),
        ),
        Failure::BodyTimeout => (
            StatusCode::REQUEST_TIMEOUT,
            40_800,
            "The request body did not arrive in time",
            "send it without pauses".to_owned(),
        ),
        Failure::BodyBroken => {
            (StatusCode::BAD_REQUEST, 40_000, "The request body could not be read", "its framing is broken".to_owned())
        }
    };
    let body = serde_json::json!({ "stat": "FAIL", "code": code, "message": message, "message_detail": detail });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plain_answer_is_one_that_clients_fail_open_on() {
        for failure in
            [Failure::Panic, Failure::Timeout, Failure::BodyTooLarge(5), Failure::BodyTimeout, Failure::BodyBroken]
        {
            let status = plain(Failed { route: None, method: &Method::POST, failure }).status();
            assert!(status.is_client_error() && status != StatusCode::UNAUTHORIZED, "{failure:?}: {status}");
        }
    }
}
