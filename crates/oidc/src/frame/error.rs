//! What is told when a request fails, in the words of OAuth and OpenID Connect. Descriptions are fixed texts: what a client sent is never
//! among them, so nothing can be smuggled into a page, a header or somebody's log.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// The word of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    // RFC 6749 §4.1.2.1 and §5.2.
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
    AccessDenied,
    ServerError,
    TemporarilyUnavailable,
    // OpenID Connect Core §3.1.2.6.
    LoginRequired,
    ConsentRequired,
    InvalidRequestUri,
    InvalidRequestObject,
    RequestNotSupported,
    RegistrationNotSupported,
    // OpenID Connect Core Unmet Authentication Requirements.
    UnmetAuthenticationRequirements,
    // RFC 8707.
    InvalidTarget,
    // RFC 6750 and RFC 9449.
    InvalidToken,
    InsufficientScope,
    InvalidDpopProof,
    UseDpopNonce,
    // RFC 8628.
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    // RFC 7591.
    InvalidClientMetadata,
    InvalidRedirectUri,
}

impl Code {
    /// As it stands on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::RequestNotSupported => "request_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
        }
    }

    /// The status with which a program is told.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient | Self::InvalidToken => StatusCode::UNAUTHORIZED,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// A refusal, with its reason for whoever builds the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    pub(crate) code: Code,
    /// Printable ASCII without `"` and `\` (RFC 6749 §5.2); may be empty.
    pub(crate) description: &'static str,
}

impl OAuthError {
    pub(crate) const fn new(code: Code, description: &'static str) -> Self {
        Self { code, description }
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::new(Code::InvalidRequest, description)
    }

    /// A fault of ours. Its cause goes into our log and nowhere else.
    pub(crate) fn ours(cause: &dyn std::error::Error) -> Self {
        tracing::error!(cause = sso::causes(cause), "the engine failed");
        Self::new(Code::ServerError, "The service is temporarily unavailable.")
    }

    /// For programs: `{"error":…,"error_description":…}` (RFC 6749 §5.2).
    pub(crate) fn json(self) -> Response {
        let mut body = json!({ "error": self.code.word() });
        if let Some(body) = body.as_object_mut().filter(|_| !self.description.is_empty()) {
            body.insert("error_description".to_owned(), self.description.into());
        }
        let mut response = json_response(self.code.status(), &body);
        if self.code == Code::InvalidClient {
            // RFC 6749 §5.2: with a 401 comes a scheme.
            let basic = HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        self.json()
    }
}

/// JSON, kept nowhere.
pub(crate) fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_is_told_has_the_form_of_the_rfc() {
        let refused = OAuthError::new(Code::InvalidClient, "Unknown.").json();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(refused.headers().contains_key("www-authenticate"));
        assert_eq!(refused.headers()["cache-control"], "no-store");
        assert_eq!(OAuthError::new(Code::InvalidGrant, "").json().status(), StatusCode::BAD_REQUEST);
    }
}
