//! What an authenticator is told when a request fails.

use auth::AuthError;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;
use types::Millis;

/// A failure, as it goes out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request can't be read.
    Malformed(&'static str),
    /// The signature, the device or its clock isn't good.
    Unauthorized(&'static str),
    /// The device's clock is wrong; what the server's says, in Unix milliseconds.
    Clock(Millis),
    /// The engine said no, or failed.
    Engine(AuthError),
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        Self::Engine(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, error, message) = match &self {
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, "malformed", *why),
            Self::Unauthorized(why) => (StatusCode::UNAUTHORIZED, "unauthorized", *why),
            Self::Clock(_) => (StatusCode::UNAUTHORIZED, "clock", auth::WRONG_CLOCK),
            Self::Engine(AuthError::Refused(auth::LAST_ONE)) => (StatusCode::BAD_REQUEST, "last", auth::LAST_ONE),
            Self::Engine(AuthError::Refused(why)) => (StatusCode::BAD_REQUEST, "refused", *why),
            Self::Engine(AuthError::NoDevice) => (StatusCode::BAD_REQUEST, "refused", "the device is gone"),
            Self::Engine(AuthError::Replayed) => {
                (StatusCode::UNAUTHORIZED, "unauthorized", "the same request came before")
            }
            Self::Engine(AuthError::Limited { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, "limited", "too many requests; try again later")
            }
            Self::Engine(cause) => {
                tracing::error!(error = %cause, "the engine failed");
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again")
            }
        };
        let mut answer = json!({ "error": error, "message": message });
        if let (Self::Clock(now), Some(answer)) = (&self, answer.as_object_mut()) {
            answer.insert("now".to_owned(), now.0.into());
        }
        (status, [(http::header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    }
}
