//! What every answer tells the browser about what it may do: nothing, unless a page of this door says that it needs more.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The policy of an answer that is no page.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// Puts them on, where the answer hasn't its own.
pub(crate) fn apply(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // The address of a request has the request in it.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
}

/// Lets the scripts of every origin read an answer: for what is public, or is guarded by a token that a browser doesn't add by itself.
pub(crate) fn readable_everywhere(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// An origin as it can stand in a policy; none for what could end the directive and begin another.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "https" | "http"))?;
    let authority = uri.authority()?;
    let name = authority.host();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    let plain = !name.is_empty() && name.bytes().all(fits);
    plain.then(|| match authority.port_u16() {
        Some(port) => format!("{scheme}://{name}:{port}"),
        None => format!("{scheme}://{name}"),
    })
}

/// The source by which a policy lets one script or style in: base64 of its SHA-256 (CSP Level 3 §2.3.1).
pub(crate) fn source_of(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    format!("'sha256-{}'", data_encoding::BASE64.encode(digest.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_may_do_nothing_unless_it_says_so() {
        let mut headers = HeaderMap::new();
        apply(&mut headers);
        assert_eq!(headers["content-security-policy"], NOTHING);
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        apply(&mut headers);
        assert_eq!(headers["cache-control"], "max-age=60");
    }

    #[test]
    fn an_origin_is_one_or_it_is_none() {
        assert_eq!(origin_of("https://app.example/x?y").as_deref(), Some("https://app.example"));
        assert_eq!(origin_of("http://127.0.0.1:81/").as_deref(), Some("http://127.0.0.1:81"));
        for wrong in ["", "/x", "javascript:alert(1)", "com.example:/cb", "https://*/", "https://a; script-src */"] {
            assert_eq!(origin_of(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_address_writes_into_a_policy(url in "https?://[ -~]{0,60}") {
            if let Some(origin) = origin_of(&url) {
                prop_assert!(!origin.contains([';', ',', ' ', '\'', '*', '"']));
            }
        }
    }
}
