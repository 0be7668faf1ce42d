//! What every answer tells the browser about what it may do.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a page may load, beyond what all may. A handler puts one into its answer's extensions to differ from the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// Origins that a form may lead to by a redirect (Chromium holds `form-action` against those too).
    pub(crate) form_action: Vec<String>,
    /// The beacon host's origin, where the canary is on the page.
    pub(crate) beacon: Option<String>,
    /// Whether it may run a service worker, use the camera, and ask the servers of other organisations, whose accounts it holds too:
    /// the installable authenticator.
    pub(crate) application: bool,
    /// Whether it is no page at all: a picture or a stylesheet may load nothing.
    pub(crate) nothing: bool,
}

impl Policy {
    /// For a file that is no page.
    pub(crate) fn nothing() -> Self {
        Self { nothing: true, ..Self::default() }
    }

    /// With what follows a form of it.
    pub(crate) fn leading_to(mut self, origin: Option<String>) -> Self {
        self.form_action.extend(origin);
        self
    }

    fn content_security(&self) -> String {
        if self.nothing {
            return "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox".to_owned();
        }
        let beacon = self.beacon.as_ref().map_or_else(String::new, |beacon| format!(" {beacon}"));
        let form: String = self.form_action.iter().map(|origin| format!(" {origin}")).collect();
        let font = self.beacon.as_deref().unwrap_or("'none'");
        let more =
            if self.application { "; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:" } else { "" };
        // A service worker's address counts as a script; there are no trusted types to name it with in every browser.
        let types = if self.application { "" } else { "; require-trusted-types-for 'script'; trusted-types 'none'" };
        let elsewhere = if self.application { " https:" } else { "" };
        let blob = if self.application { " blob:" } else { "" };
        format!(
            "default-src 'none'; script-src 'self'{beacon}; style-src 'self'{beacon}; img-src 'self' data:{blob}{beacon}; \
             font-src {font}; connect-src 'self'{elsewhere}; form-action 'self'{form}; frame-ancestors 'none'; base-uri 'none'{more}{types}"
        )
    }
}

/// Whether this can stand in a policy as an origin: anything else could end the directive and begin another.
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

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), fullscreen=(), \
     geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     publickey-credentials-create=(self), publickey-credentials-get=(self), serial=(), usb=()";

/// Puts them on.
pub(crate) fn apply(headers: &mut HeaderMap, policy: &Policy) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: under that, browsers say `Origin: null` with our own forms too (Fetch, "append a request Origin header").
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("x-robots-tag"), "noindex");
    let permissions =
        if policy.application { PERMISSIONS.replace("camera=()", "camera=(self)") } else { PERMISSIONS.to_owned() };
    if let Ok(value) = HeaderValue::from_str(&permissions) {
        headers.insert(HeaderName::from_static("permissions-policy"), value);
    }
    let content = HeaderValue::from_str(&policy.content_security());
    let content = content.unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    headers.insert(header::CONTENT_SECURITY_POLICY, content);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_one_or_it_is_none() {
        assert_eq!(origin_of("https://app.example.com/cb?x=1").as_deref(), Some("https://app.example.com"));
        assert_eq!(origin_of("http://localhost:8080/cb").as_deref(), Some("http://localhost:8080"));
        assert_eq!(origin_of("https://user@app.example.com/").as_deref(), Some("https://app.example.com"));
        for wrong in [
            "",
            "/local",
            "javascript:alert(1)",
            "https://",
            "https://*/",
            "https://a.example; script-src */",
            "data:,x",
        ] {
            assert_eq!(origin_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_policy_lets_anything_unsafe_in() {
        let pages = [
            Policy::default(),
            Policy::default().leading_to(Some("https://app.example".to_owned())),
            Policy { beacon: Some("https://beacon.example".to_owned()), ..Policy::default() },
            Policy { application: true, ..Policy::default() },
            Policy::nothing(),
        ];
        for policy in pages {
            let text = policy.content_security();
            assert!(text.starts_with("default-src 'none'; ") && text.contains("frame-ancestors 'none'"), "{text}");
            assert!(!text.contains("unsafe") && !text.contains('*') && !text.contains('\n'), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_address_writes_into_the_policy(url in "https?://[ -~]{0,60}") {
            if let Some(origin) = origin_of(&url) {
                proptest::prop_assert!(!origin.contains([';', ',', ' ', '\'', '*', '"']));
            }
        }
    }
}
