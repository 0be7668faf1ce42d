//! The POST binding (saml-bindings §3.5): a page with a form that sends itself, and that a person without script sends with a button.
//!
//! The page's policy lets in one script, by its hash, and nothing else. Where the form may lead is left to its `action`, which is a
//! registered address: browsers hold `form-action` against whatever the application redirects to afterwards, and that is its own affair.

use crate::page::{self, escaped};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

/// The one script.
const SCRIPT: &str = "document.forms[0].submit()";
/// Its hash, for the policy (CSP level 3, §8.2); a test compares.
const SCRIPT_HASH: &str = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

/// A page that carries `fields` to `action`.
pub(crate) fn carry(action: &str, fields: &[(&str, &str)]) -> Response {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value))
        })
        .collect();
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>Continue</title>\n</head>\n<body>\n<form method=\"post\" action=\"{}\">\n{inputs}<button type=\"submit\">Continue</button>\n\
         </form>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        escaped(action)
    );
    let mut response = page::answer(StatusCode::OK, text);
    let policy = format!(
        "default-src 'none'; script-src '{SCRIPT_HASH}'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // Under `no-referrer` the form would say `Origin: null` (Fetch, "append a request Origin header"), which some applications refuse.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn the_policy_lets_in_the_one_script() {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SCRIPT.as_bytes());
        assert_eq!(SCRIPT_HASH, format!("sha256-{}", BASE64.encode(hash.as_ref())));
        let response = carry("https://app.example/acs", &[("SAMLResponse", "x")]);
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }

    #[test]
    fn hostile_texts_stay_in_their_fields() {
        for hostile in ["\"><script>alert(1)</script>", "'><img src=x>", "</form>", "a\r\nb", "\0"] {
            let response = carry(hostile, &[(hostile, hostile)]);
            let body = futures_util::FutureExt::now_or_never(axum::body::to_bytes(response.into_body(), 1 << 20));
            let text = String::from_utf8(body.unwrap().unwrap().to_vec()).unwrap();
            assert_eq!(text.matches("<script").count(), 1, "{text}");
            assert_eq!((text.matches("<form").count(), text.matches("<img").count()), (1, 0), "{text}");
        }
    }
}
