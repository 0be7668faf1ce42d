//! What every answer of a door tells the browser that it may do: nothing, unless the answer says that it needs more.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The policy of an answer that is no page.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// Puts them on, where the answer hasn't its own.
pub fn guard(headers: &mut HeaderMap) {
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

/// An origin as it can stand in a policy; none for what could end the directive and begin another.
#[must_use]
pub fn origin_of(url: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_do_nothing_unless_it_says_so() {
        let mut headers = HeaderMap::new();
        guard(&mut headers);
        assert_eq!(headers["content-security-policy"], NOTHING);
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        guard(&mut headers);
        assert_eq!(headers["cache-control"], "max-age=60");
    }

    #[test]
    fn an_origin_is_one_or_it_is_none() {
        for (url, origin) in [
            ("https://app.example.com/cb?x=1", "https://app.example.com"),
            ("http://localhost:8080/cb", "http://localhost:8080"),
            ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
            ("https://user@app.example.com/", "https://app.example.com"),
        ] {
            assert_eq!(origin_of(url).as_deref(), Some(origin));
        }
        for wrong in [
            "",
            "/local",
            "javascript:alert(1)",
            "com.example:/cb",
            "https://",
            "https://*/",
            "https://a.example; script-src */",
            "data:,x",
        ] {
            assert_eq!(origin_of(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_address_writes_into_a_policy(url in "https?://[ -~]{0,60}") {
            if let Some(origin) = origin_of(&url) {
                proptest::prop_assert!(!origin.contains([';', ',', ' ', '\'', '*', '"']));
            }
        }
    }
}
