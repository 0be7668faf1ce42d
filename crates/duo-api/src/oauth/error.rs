//! What a client is told when an OAuth request fails, in the three forms that the three endpoints have.
//!
//! Whatever is wrong, the application hears that nobody was let in. A client's mistake is a 400: 401 and 5xx stay out of the
//! answers, because older parts of Duo's clients take them for an outage. Descriptions are fixed texts: what the client sent is
//! never among them, so nothing can be smuggled into a page.

use auth::AuthError;
use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, PRAGMA, RETRY_AFTER},
};
use serde_json::json;

/// A refusal (RFC 6749 §4.1.2.1 and §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OAuthError {
    /// A parameter is missing, wrong, there twice, or not what was signed.
    InvalidRequest(&'static str),
    /// The client didn't prove who it is. One text for every reason: which it was stands in our log.
    InvalidClient,
    /// The code is unknown, used, too old, another client's, or was given for another `redirect_uri`. One text, as at Duo.
    InvalidGrant,
    /// The client is known and may not do this.
    UnauthorizedClient,
    /// Not `authorization_code`.
    UnsupportedGrantType,
    /// Not `code`.
    UnsupportedResponseType,
    /// Not `openid`.
    InvalidScope,
    /// The method isn't one of this path's.
    Method,
    /// Too many; to be tried again after so many seconds.
    SlowDown(u32),
    /// Our fault.
    Internal,
}

impl OAuthError {
    /// The word of RFC 6749.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::Method => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::SlowDown(_) => "temporarily_unavailable",
            Self::Internal => "server_error",
        }
    }

    /// For people.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest(why) => why,
            // As Duo says it (seen in issues of its clients).
            Self::InvalidClient => "The provided client_assertion was invalid.",
            Self::InvalidGrant => {
                "The provided authorization code is invalid, expired or used, does not match the redirection URI of the \
                 authorization request, or was issued to another client."
            }
            Self::UnauthorizedClient => "Wrong integration type for this API.",
            Self::UnsupportedGrantType => "The grant_type must be authorization_code.",
            Self::UnsupportedResponseType => "The response_type must be code.",
            Self::InvalidScope => "The scope must be openid.",
            Self::Method => "This path does not answer that method.",
            Self::SlowDown(_) => "Too many requests. Try again later.",
            Self::Internal => "The service is temporarily unavailable. Nobody was signed in.",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn with_headers(self, mut response: Response, kind: &'static str) -> Response {
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Self::SlowDown(seconds) = self {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        secure(headers);
        response
    }

    /// For the token endpoint: `{"error":…,"error_description":…}`.
    pub(super) fn json(self) -> Response {
        let body = json!({ "error": self.word(), "error_description": self.description() });
        self.with_headers(body.to_string().into_response(), "application/json")
    }

    /// For the browser at the authorization endpoint. It never leads to the `redirect_uri`: what isn't proven to be the client's
    /// leads nowhere.
    pub(super) fn page(self, wants: &HeaderMap) -> Response {
        let accept = wants.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if !accept.into_iter().any(|accept| accept.contains("text/html")) {
            return self.json();
        }
        let (word, description) = (self.word(), self.description());
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>Sign-in not possible</title>\n</head>\n<body>\n<main>\n<h1>Sign-in not possible</h1>\n\
             <p>The application sent you here with a request that can’t be accepted. Go back to it and start again. If that \
             doesn’t help, tell its administrator:</p>\n<p><code>{word}</code>: {description}</p>\n</main>\n</body>\n</html>\n"
        );
        self.with_headers(page.into_response(), "text/html; charset=utf-8")
    }

    /// For the health check: Duo's envelope, with the time beside the refusal.
    pub(super) fn envelope(self, timestamp: i64) -> Response {
        let (code, message) = match self {
            Self::InvalidClient => (40_002, "invalid_client"),
            Self::UnauthorizedClient => (40_301, "Access forbidden"),
            Self::Method => (40_501, "Method not allowed"),
            Self::SlowDown(_) => (42_901, "Too Many Requests"),
            Self::Internal => (50_000, "Server error"),
            _ => (40_002, "Invalid request parameters"),
        };
        let body = json!({
            "stat": "FAIL",
            "code": code,
            "message": message,
            "message_detail": self.description(),
            "timestamp": timestamp,
        });
        let mut response = self.with_headers(body.to_string().into_response(), "application/json");
        // The status is the code's first three digits, as in every envelope. An application that asks for its users' sake must not
        // take a server that can't work for one that can.
        *response.status_mut() = StatusCode::from_u16(code / 100).unwrap_or(StatusCode::BAD_REQUEST);
        response
    }
}

/// What holds for every answer here: it is kept nowhere, framed nowhere, and its address, which has the request in it, is told to
/// nobody.
pub(super) fn secure(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (PRAGMA, "no-cache"),
        (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (http::header::REFERRER_POLICY, "no-referrer"),
        (http::header::CONTENT_SECURITY_POLICY, policy),
        (http::header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A fault of ours: its cause is for our log.
pub(super) fn internal(error: &AuthError) -> OAuthError {
    tracing::error!(%error, "the engine failed");
    OAuthError::Internal
}

pub(super) fn slow_down(retry_after: std::time::Duration) -> OAuthError {
    OAuthError::SlowDown(u32::try_from(retry_after.as_secs()).unwrap_or(60).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [OAuthError; 10] = [
        OAuthError::InvalidRequest("The state must have 16 to 1024 characters."),
        OAuthError::InvalidClient,
        OAuthError::InvalidGrant,
        OAuthError::UnauthorizedClient,
        OAuthError::UnsupportedGrantType,
        OAuthError::UnsupportedResponseType,
        OAuthError::InvalidScope,
        OAuthError::Method,
        OAuthError::SlowDown(7),
        OAuthError::Internal,
    ];

    #[test]
    fn no_answer_but_that_of_a_broken_health_check_is_one_that_clients_take_for_an_outage() {
        for error in ALL {
            for response in [error.json(), error.page(&HeaderMap::new())] {
                let status = response.status();
                assert!(status.is_client_error() && status != StatusCode::UNAUTHORIZED, "{error:?}: {status}");
            }
            let status = error.envelope(1).status();
            assert_eq!(status.is_server_error(), error == OAuthError::Internal, "{error:?}");
            assert_ne!(status, StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn every_answer_is_kept_and_framed_nowhere() {
        let mut browser = HeaderMap::new();
        browser.insert(http::header::ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"));
        for error in ALL {
            for response in [error.json(), error.page(&browser), error.envelope(1)] {
                let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
                assert_eq!(header("cache-control"), "no-store");
                assert_eq!(header("referrer-policy"), "no-referrer");
                assert_eq!(header("x-content-type-options"), "nosniff");
                assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
            }
            assert_eq!(error.page(&browser).headers()["content-type"], "text/html; charset=utf-8");
            assert_eq!(error.page(&HeaderMap::new()).headers()["content-type"], "application/json");
        }
        assert_eq!(OAuthError::SlowDown(7).json().headers()["retry-after"], "7");
    }
}
