//! How an answer goes back to the application: in the query of its address, or as a form that the browser posts to it.

use crate::frame::{
    error::{Code, OAuthError},
    headers::origin_of,
    page,
};
use axum::response::{IntoResponse as _, Response};
use sso::Leaf;

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

    fn answer(&self, params: &[(&'static str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all: Vec<(&'static str, &str)> =
            params.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        match self.mode {
            Mode::Query => page::redirect(&with_query(&self.redirect_uri, &all)),
            Mode::FormPost => self.form(&all),
        }
    }

    fn form(&self, params: &[(&'static str, &str)]) -> Response {
        // A scheme of a program's own can't be posted to.
        if origin_of(&self.redirect_uri).is_none() {
            return OAuthError::new(Code::InvalidRequest, "A form can be posted to a web address only.").json();
        }
        let fields = params.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Leaf::Carry { action: self.redirect_uri.clone(), fields }.into_response()
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
    use http::StatusCode;
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

    #[test]
    fn a_form_is_posted_to_a_web_address_only() {
        let answer = way("https://app.example/cb?a=1&b=2", Mode::FormPost, "s").code("c");
        let fields = [("code", "c"), ("state", "s"), ("iss", "https://login.example")];
        let fields = fields.map(|(name, value)| (name, value.to_owned())).to_vec();
        let leaf = Leaf::Carry { action: "https://app.example/cb?a=1&b=2".to_owned(), fields };
        assert_eq!(answer.extensions().get::<Leaf>(), Some(&leaf));
        let answer = way("com.example.app:/cb", Mode::FormPost, "s").code("c");
        assert_eq!((answer.status(), answer.extensions().get::<Leaf>()), (StatusCode::BAD_REQUEST, None));
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
