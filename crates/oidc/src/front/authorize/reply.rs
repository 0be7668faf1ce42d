//! How an answer goes back to the application: in the query of its address, or as a form that the browser posts to it.

use crate::frame::{
    error::{Code, OAuthError},
    headers::{origin_of, source_of},
    page::{self, escaped},
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

/// How parameters are handed over (OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode). Never in a fragment: scripts
/// and histories read it (RFC 9700 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Query,
    FormPost,
}

impl Mode {
    /// By its word; the word may be missing.
    pub(crate) fn read(word: Option<&str>) -> Result<Self, OAuthError> {
        match word {
            None | Some("query") => Ok(Self::Query),
            Some("form_post") => Ok(Self::FormPost),
            Some(_) => Err(OAuthError::invalid_request("The response_mode must be query or form_post.")),
        }
    }
}

/// The way back to an application: its address was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WayBack {
    /// One of the client's own, byte for byte.
    pub(crate) redirect_uri: String,
    pub(crate) mode: Mode,
    pub(crate) state: Option<String>,
    /// The issuer, which stands beside each answer, so that a client with several providers knows whose it is (RFC 9207).
    pub(crate) issuer: String,
}

/// Submits the form as soon as it is there; who has no script has its button.
const SUBMIT: &str = "document.forms[0].submit()";

impl WayBack {
    /// With a code.
    pub(crate) fn code(&self, code: &str) -> Response {
        self.answer(&[("code", code)])
    }

    /// With an error (RFC 6749 §4.1.2.1).
    pub(crate) fn error(&self, error: OAuthError) -> Response {
        let mut params = vec![("error", error.code.word())];
        if !error.description.is_empty() {
            params.push(("error_description", error.description));
        }
        self.answer(&params)
    }

    fn answer(&self, params: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all: Vec<(&str, &str)> =
            params.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        match self.mode {
            Mode::Query => page::redirect(&with_query(&self.redirect_uri, &all)),
            Mode::FormPost => self.form(&all),
        }
    }

    fn form(&self, params: &[(&str, &str)]) -> Response {
        // A scheme of a program's own can't be posted to, and its policy could not be written.
        let Some(origin) = origin_of(&self.redirect_uri) else {
            return OAuthError::new(Code::InvalidRequest, "A form can be posted to a web address only.").json();
        };
        let inputs: String = params
            .iter()
            .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escaped(value)))
            .collect();
        let text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Signing in</title>\n</head>\n<body>\n\
             <form method=\"post\" action=\"{}\">\n{inputs}<noscript><button>Continue</button></noscript>\n</form>\n\
             <script>{SUBMIT}</script>\n</body>\n</html>\n",
            escaped(&self.redirect_uri),
        );
        let policy = format!(
            "default-src 'none'; script-src {}; form-action {origin}; frame-ancestors 'none'; base-uri 'none'",
            source_of(SUBMIT)
        );
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // It must say where it comes from: an application that checks `Origin` would take `null` for an attacker.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("origin"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// An address with these parameters added. Nothing of what it had is changed (RFC 6749 §3.1.2).
pub(crate) fn with_query(uri: &str, params: &[(&str, &str)]) -> String {
    let mut out = uri.to_owned();
    let mut between = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    for (name, value) in params {
        out.push_str(between);
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        between = "&";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use proptest::prelude::*;

    fn way(uri: &str, mode: Mode, state: &str) -> WayBack {
        let (redirect_uri, state) = (uri.to_owned(), Some(state.to_owned()));
        WayBack { redirect_uri, mode, state, issuer: "https://login.example".to_owned() }
    }

    #[test]
    fn each_answer_says_whose_it_is() {
        let answer = way("https://app.example/cb?x=1", Mode::Query, "a b").code("the&code");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(
            answer.headers()["location"],
            "https://app.example/cb?x=1&code=the%26code&state=a%20b&iss=https%3A%2F%2Flogin.example"
        );
        let error = way("https://app.example/cb", Mode::Query, "s").error(OAuthError::new(Code::LoginRequired, ""));
        assert_eq!(
            error.headers()["location"],
            "https://app.example/cb?error=login_required&state=s&iss=https%3A%2F%2Flogin.example"
        );
        assert!(Mode::read(Some("fragment")).is_err() && Mode::read(Some("web_message")).is_err());
    }

    #[tokio::test]
    async fn a_form_leads_to_the_application_and_nowhere_else_whatever_the_state_is() {
        let hostile = "\"><script>alert(1)</script>' autofocus onfocus=x &amp;";
        let answer = way("https://app.example/cb?a=1&b=2", Mode::FormPost, hostile).code("c");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("form-action https://app.example;") && !policy.contains("unsafe"), "{policy}");
        let body = to_bytes(answer.into_body(), 65_536).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(text.matches("<script>").count(), 1, "{text}");
        assert!(
            text.contains(
                "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39; autofocus onfocus=x &amp;amp;\""
            )
        );
    }

    proptest! {
        #[test]
        fn whatever_the_state_is_it_stays_a_value(state in "\\PC{0,80}") {
            let answer = way("https://app.example/cb", Mode::Query, &state).code("c");
            let location = answer.headers()["location"].to_str().unwrap();
            prop_assert!(location.starts_with("https://app.example/cb?code=c&state="));
            prop_assert_eq!(location.matches('&').count(), 2);
            prop_assert!(!location.contains(['#', ' ', '<', '"', '\r', '\n']));
        }
    }
}
