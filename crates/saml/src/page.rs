//! The few pages of this door: why something isn't possible, and what was signed out of. Everything else is shown by the sign-in's pages.

use crate::error::Refused;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// An answer with what holds for all of them: kept nowhere, framed nowhere, and its address, which has messages in it, is told to nobody.
pub(crate) fn answer(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guard(response.headers_mut());
    response
}

/// Puts these headers on.
pub(crate) fn guard(headers: &mut HeaderMap) {
    let policy = "default-src 'none'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A page with a title and paragraphs, which are markup already.
pub(crate) fn show(status: StatusCode, title: &str, paragraphs: &[String]) -> Response {
    page(status, title, "", paragraphs)
}

/// A page that goes on by itself to a path of ours, or by a click.
pub(crate) fn onward(title: &str, to: &str) -> Response {
    let to = escaped(to);
    let refresh = format!("<meta http-equiv=\"refresh\" content=\"0;url={to}\">\n");
    page(StatusCode::OK, title, &refresh, &[format!("<a href=\"{to}\">Go on</a>")])
}

fn page(status: StatusCode, title: &str, head: &str, paragraphs: &[String]) -> Response {
    let title = escaped(title);
    let body: String = paragraphs.iter().map(|text| format!("<p>{text}</p>\n")).collect();
    answer(
        status,
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n\
             {head}</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
        ),
    )
}

/// Why a message gets no answer that goes to an application. Fixed texts only: nothing that was sent is repeated.
pub(crate) fn refused(refused: &Refused) -> Response {
    let mut response = show(
        refused.status(),
        "Sign-in not possible",
        &[
            "The application sent you here with a request that can’t be accepted. Go back to it and start again. If that \
             doesn’t help, tell its administrator:"
                .to_owned(),
            format!("<code>{}</code>", escaped(refused.word())),
        ],
    );
    if let Refused::Limited(wait) = refused {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// A text inside HTML, in an element or in an attribute with quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A form sends each end of a line as two characters, whatever stands here.
            '\r' => out.push_str("&#13;"),
            '\n' => out.push_str("&#10;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_says_a_word_and_nothing_that_was_sent() {
        let response = refused(&Refused::Malformed("Destination"));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(refused(&Refused::Limited(std::time::Duration::from_secs(7))).headers()["retry-after"], "7");
    }

    proptest! {
        #[test]
        fn no_text_opens_an_element_or_leaves_an_attribute(text in "[\\x00-\\x7f\u{80}-\u{2ff}]{0,60}") {
            prop_assert!(!escaped(&text).contains(['<', '>', '"', '\'', '\r', '\n', '\0']));
        }
    }
}
