//! The few pages that this door shows itself: what is wrong with a request, and the steps of signing out. They need no tenant's look and no
//! catalogue of texts to be written, so that nothing that fails can keep them away; each loads nothing but what stands in it.

use super::{
    error::{Code, OAuthError},
    headers,
};
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The look of these pages; let in by its digest.
const STYLE: &str = "body{font:1.05rem/1.5 system-ui,sans-serif;margin:0;display:grid;min-height:100vh;place-items:center}\
main{max-width:34rem;padding:2rem}h1{font-size:1.4rem}button{font:inherit;padding:.6rem 1.2rem;margin:.3rem .6rem .3rem 0}\
iframe{display:none}";

/// A page.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// Markup, in which whatever came from elsewhere has gone through [`escaped`].
    pub(crate) body: String,
    /// A script of this page's own, let in by its digest.
    pub(crate) script: &'static str,
    /// Where its forms lead: origins, or none.
    pub(crate) form_action: Vec<String>,
    /// What it may show in frames: origins.
    pub(crate) frames: Vec<String>,
}

impl<'a> Page<'a> {
    /// With a title and a body.
    pub(crate) const fn new(title: &'a str, body: String) -> Self {
        Self { title, body, script: "", form_action: Vec::new(), frames: Vec::new() }
    }

    /// As an answer.
    pub(crate) fn answer(self, status: StatusCode) -> Response {
        let Self { title, body, script, form_action, frames } = self;
        let scripted = if script.is_empty() { String::new() } else { format!("<script>{script}</script>\n") };
        let text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <main>\n<h1>{title}</h1>\n{body}\n</main>\n{scripted}</body>\n</html>\n",
            title = escaped(title),
        );
        let list = |items: &[String]| if items.is_empty() { "'none'".to_owned() } else { items.join(" ") };
        let script_src = if script.is_empty() { "'none'".to_owned() } else { headers::source_of(script) };
        let policy = format!(
            "default-src 'none'; script-src {script_src}; style-src {}; frame-src {}; form-action {}; frame-ancestors 'none'; \
             base-uri 'none'",
            headers::source_of(STYLE),
            list(&frames),
            list(&form_action),
        );
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            out.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// What went wrong before it was known where the person may be sent: shown here, and told to nobody else.
pub(crate) fn refusal(error: OAuthError, wants: &HeaderMap) -> Response {
    let accept = wants.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if !accept.into_iter().any(|accept| accept.contains("text/html")) {
        return error.json();
    }
    let ours = matches!(error.code, Code::ServerError | Code::TemporarilyUnavailable);
    let (title, text) = if ours {
        ("Something failed on our side", "Nobody was signed in. Wait a moment and try again.")
    } else {
        (
            "Sign-in not possible",
            "The application sent you here with a request that can’t be accepted. Go back to it and start again. If that \
             doesn’t help, tell its administrator:",
        )
    };
    let body = format!("<p>{text}</p>\n<p><code>{}</code>: {}</p>", error.code.word(), escaped(error.description));
    // Not a 401: a browser would ask for a password that there isn't.
    let status = match error.code.status() {
        StatusCode::UNAUTHORIZED => StatusCode::BAD_REQUEST,
        status => status,
    };
    Page::new(title, body).answer(status)
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

/// A text as it stands between tags and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_do_what_it_needs_and_no_more() {
        let page = Page::new("A <b>", "<p>x</p>".to_owned());
        let page = Page { frames: vec!["https://a.example".to_owned()], ..page }.answer(StatusCode::OK);
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'none'") && policy.contains("frame-src https://a.example;"), "{policy}");
        assert!(policy.contains("form-action 'none'") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn a_program_gets_json_and_a_person_a_page() {
        let error = OAuthError::new(Code::InvalidClient, "<No>");
        let mut person = HeaderMap::new();
        person.insert(header::ACCEPT, HeaderValue::from_static("text/html,*/*"));
        let page = refusal(error, &person);
        assert_eq!(
            (page.status(), &page.headers()["content-type"]),
            (StatusCode::BAD_REQUEST, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert_eq!(refusal(error, &HeaderMap::new()).headers()["content-type"], "application/json");
        assert_eq!(escaped("<a href='x\"&"), "&lt;a href=&#39;x&quot;&amp;");
    }
}
