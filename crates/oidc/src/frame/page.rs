//! What a browser gets from this door: the way on, or a page. Of a page the door says what is on it ([`sso::Leaf`]).

use super::error::{Code, OAuthError};
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sso::Leaf;

/// What went wrong before it was known where the person may be sent: shown here, and told to nobody else.
pub(crate) fn refusal(error: OAuthError, wants: &HeaderMap) -> Response {
    let accept = wants.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if !accept.into_iter().any(|accept| accept.contains("text/html")) {
        return error.json();
    }
    let ours = matches!(error.code, Code::ServerError | Code::TemporarilyUnavailable);
    // Not a 401: a browser would ask for a password that there isn't.
    let status = match error.code.status() {
        StatusCode::UNAUTHORIZED => StatusCode::BAD_REQUEST,
        status => status,
    };
    Leaf::Refused { word: error.code.word(), detail: error.description, ours, wait: None }.with(status)
}

/// Sends a browser on by GET.
pub(crate) fn redirect(location: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(location) else {
        tracing::error!("an address that was checked can't stand in a header");
        return OAuthError::new(Code::ServerError, "").json();
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_json_and_a_person_a_page() {
        let error = OAuthError::new(Code::InvalidClient, "<No>");
        let mut person = HeaderMap::new();
        person.insert(header::ACCEPT, HeaderValue::from_static("text/html,*/*"));
        let page = refusal(error, &person);
        let leaf = Leaf::Refused { word: "invalid_client", detail: "<No>", ours: false, wait: None };
        assert_eq!((page.status(), page.extensions().get::<Leaf>()), (StatusCode::BAD_REQUEST, Some(&leaf)));
        let program = refusal(error, &HeaderMap::new());
        assert_eq!(program.headers()["content-type"], "application/json");
        assert!(program.extensions().get::<Leaf>().is_none());
    }
}
