//! Refusals, with Twilio's codes: that is what its clients tell apart.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use messaging::{ErrorClass, SendError};
use serde_json::json;
use std::time::Duration;
use store::StoreError;

/// A refusal, as it goes out. No text repeats what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// Nobody is signed in.
    pub(crate) fn authenticate() -> Self {
        Self::new(401, 20003, "Authenticate")
    }

    /// Signed in, and not for this.
    pub(crate) fn forbidden() -> Self {
        Self::new(403, 20403, "This credential may not do that: use the account's token")
    }

    /// There is no such thing, or it is another's.
    pub(crate) fn not_found() -> Self {
        Self::new(404, 20404, "The requested resource was not found")
    }

    /// A parameter is missing or can't be read.
    pub(crate) fn parameter(name: &str) -> Self {
        Self::new(400, 20001, format!("Invalid parameter: {name}"))
    }

    /// A parameter is missing or can't be read, in Verify.
    pub(crate) fn verify_parameter(name: &str) -> Self {
        Self::new(400, 60200, format!("Invalid parameter: {name}"))
    }

    /// Something that Twilio has and this server hasn't. Said clearly, because silence would be a promise.
    pub(crate) fn unsupported(name: &str) -> Self {
        Self::new(400, 20001, format!("{name} is not supported by this server"))
    }

    /// Too many.
    pub(crate) fn too_many(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(429, 20429, "Too many requests") }
    }

    /// The house has failed.
    pub(crate) fn internal() -> Self {
        Self::new(500, 20500, "Internal server error")
    }

    /// It may work later.
    pub(crate) fn unavailable() -> Self {
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(503, 20503, "Service unavailable") }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        if matches!(error, StoreError::Unavailable(_)) { Self::unavailable() } else { Self::internal() }
    }
}

impl From<keys::KeyError> for ApiError {
    fn from(error: keys::KeyError) -> Self {
        Self::from(StoreError::from(error))
    }
}

impl From<auth::AuthError> for ApiError {
    fn from(error: auth::AuthError) -> Self {
        tracing::error!(%error, "the engine failed");
        Self::internal()
    }
}

/// What a program is told of a message that was not taken. Of a rule against fraud it is told no more than that.
pub(crate) fn rejected(error: SendError, verify: bool) -> ApiError {
    let code = |messages: u32, of_verify: u32| if verify { of_verify } else { messages };
    match error {
        SendError::Limited { retry_after } | SendError::Throttled { retry_after } => ApiError::too_many(retry_after),
        SendError::Fraud { retry_after, .. } => {
            let refused = ApiError::new(403, code(30450, 60410), "The message was blocked");
            ApiError { retry_after, ..refused }
        }
        SendError::CountryRefused => {
            ApiError::new(403, code(21408, 60220), "Messages to this country are not enabled for the account")
        }
        SendError::NoChannel(kind) => {
            ApiError::new(400, code(21612, 60223), format!("No channel for {} is configured", kind.as_str()))
        }
        SendError::Refused(ErrorClass::BadAddress) => ApiError::new(400, code(21211, 60200), "Invalid 'To' number"),
        SendError::Refused(ErrorClass::OptedOut) => {
            ApiError::new(400, code(21610, 60200), "The recipient has asked for no more messages")
        }
        SendError::Refused(ErrorClass::Region) => ApiError::new(403, code(21408, 60220), "The country is not enabled"),
        SendError::Mismatch => ApiError::new(400, code(21612, 60200), "This content can't go to this address"),
        SendError::Repeated => ApiError::new(409, 20409, "The message was handed over before"),
        SendError::Refused(_) | SendError::Cut | SendError::Expired => {
            ApiError::new(400, code(30008, 60200), "The message was not taken")
        }
        SendError::Store(error) => error.into(),
        _ => ApiError::unavailable(),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Twilio API\""));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
