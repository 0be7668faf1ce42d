//! How this room answers: JSON that is kept nowhere and that scripts of other origins may read, with the nonce for the next proof.

use crate::frame::{
    error::{Code, OAuthError, json_response},
    headers::readable_everywhere,
    place::Place,
};
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use sso::tokens::GrantError;

/// Where a nonce is told (RFC 9449 §8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// Where a proof comes.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// Seconds for which a browser may keep the answer to its question before the request.
const PREFLIGHT_KEPT: &str = "600";

/// The answer to a program. Who uses proofs is told the newest nonce with each.
pub(crate) async fn answer(place: &Place, headers: &HeaderMap, done: Result<Value, OAuthError>) -> Response {
    let mut response = match &done {
        Ok(body) => json_response(StatusCode::OK, body),
        Err(error) => error.json(),
    };
    finish(place, headers, done.err(), &mut response).await;
    response
}

/// What every answer of this room has.
pub(crate) async fn finish(place: &Place, asked: &HeaderMap, error: Option<OAuthError>, response: &mut Response) {
    let headers = response.headers_mut();
    readable_everywhere(headers);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate"));
    let wants_nonce = error.is_some_and(|error| error.code == Code::UseDpopNonce);
    if (asked.contains_key(DPOP) || wants_nonce)
        && let Ok(nonce) = place.sso().grants().dpop_nonce(place.tenant).await
        && let Ok(nonce) = HeaderValue::from_str(&nonce)
    {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// `OPTIONS`: a browser asks before a script's request. Nothing here is decided by cookies, so every origin may ask.
pub(crate) async fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    readable_everywhere(headers);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_KEPT),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a client is told of a grant that it doesn't get.
pub(super) fn refused(error: GrantError) -> OAuthError {
    const UNUSABLE: &str = "The grant is unknown, used, expired, revoked, or was given to another client.";
    match error {
        GrantError::Refused(why) => {
            tracing::info!(why, "a grant was refused");
            OAuthError::new(Code::InvalidGrant, UNUSABLE)
        }
        GrantError::Scope => OAuthError::new(Code::InvalidScope, "A scope was not granted."),
        GrantError::Target => OAuthError::new(Code::InvalidTarget, "A resource was not granted."),
        GrantError::Binding => {
            OAuthError::new(Code::InvalidGrant, "The grant is bound to a key, and the request was not made with it.")
        }
        GrantError::Ours(error) => OAuthError::ours(&error),
    }
}

/// Words of a list with spaces between, each once; `invalid_scope` for more than any client means.
pub(super) fn scopes(text: Option<&str>) -> Result<Option<Vec<String>>, OAuthError> {
    const MOST: usize = 32;
    let wrong = OAuthError::new(Code::InvalidScope, "The scope can not be read.");
    let Some(text) = text else { return Ok(None) };
    let mut out: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        // RFC 6749 §3.3.
        let plain = word.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        if !plain || out.len() >= MOST {
            return Err(wrong);
        }
        if !out.iter().any(|known| known == word) {
            out.push(word.to_owned());
        }
    }
    Ok(Some(out).filter(|out| !out.is_empty()))
}
