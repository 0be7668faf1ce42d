//! What a browser gets from this door: a page, of which the door says what is on it ([`sso::Leaf`]), and what holds for every answer: kept
//! nowhere, framed nowhere, and its address, which has messages in it, is told to nobody.

use crate::error::Refused;
use axum::response::Response;
use http::{HeaderValue, header};
use sso::Leaf;

/// An answer as it leaves.
pub(crate) fn guarded(mut response: Response) -> Response {
    sso::headers::guard(response.headers_mut());
    response
}

/// Why a message gets no answer that goes to an application. Fixed texts only: nothing that was sent is repeated.
pub(crate) fn refused(refused: &Refused) -> Response {
    let wait = if let Refused::Limited(wait) = refused { Some(*wait) } else { None };
    let leaf = Leaf::Refused { word: refused.word(), detail: "", ours: *refused == Refused::Ours, wait };
    let mut response = leaf.with(refused.status());
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    guarded(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn a_refusal_says_a_word_and_nothing_that_was_sent() {
        let response = refused(&Refused::Malformed("Destination"));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        let leaf = Leaf::Refused { word: "Destination", detail: "", ours: false, wait: None };
        assert_eq!(response.extensions().get::<Leaf>(), Some(&leaf));
        assert_eq!(refused(&Refused::Limited(std::time::Duration::from_secs(7))).headers()["retry-after"], "7");
    }
}
