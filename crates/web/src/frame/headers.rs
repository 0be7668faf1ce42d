//! What a page tells the browser about what it may do, beside what every answer of a door does ([`sso::headers`]).

pub(crate) use sso::headers::origin_of;

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
    /// Origins that it shows in frames, so that they hear of something.
    pub(crate) frames: Vec<String>,
    /// Whether its form leads to an application's registered address, and says where it comes from. Browsers hold `form-action` against
    /// whatever the application redirects to afterwards, and that is its own affair.
    pub(crate) carries: bool,
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
        let form = if self.carries { String::new() } else { format!("form-action 'self'{form}; ") };
        let framed: String = self.frames.iter().map(|origin| format!(" {origin}")).collect();
        let framed = if framed.is_empty() { framed } else { format!("; frame-src{framed}") };
        let font = self.beacon.as_deref().unwrap_or("'none'");
        let more =
            if self.application { "; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:" } else { "" };
        // A service worker's address counts as a script; there are no trusted types to name it with in every browser.
        let types = if self.application { "" } else { "; require-trusted-types-for 'script'; trusted-types 'none'" };
        let elsewhere = if self.application { " https:" } else { "" };
        let blob = if self.application { " blob:" } else { "" };
        format!(
            "default-src 'none'; script-src 'self'{beacon}; style-src 'self'{beacon}; img-src 'self' data:{blob}{beacon}; \
             font-src {font}; connect-src 'self'{elsewhere}; {form}frame-ancestors 'none'; base-uri 'none'{framed}{more}{types}"
        )
    }
}

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), fullscreen=(), \
     geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), \
     publickey-credentials-create=(self), publickey-credentials-get=(self), serial=(), usb=()";

/// Puts them on.
pub(crate) fn apply(headers: &mut HeaderMap, policy: &Policy) {
    sso::headers::guard(headers);
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    // Not `no-referrer`: under that, browsers say `Origin: null` with our own forms too (Fetch, "append a request Origin header"), and with
    // one that leads to an application they must say where it comes from: some refuse what says `null`.
    set(header::REFERRER_POLICY, if policy.carries { "strict-origin" } else { "same-origin" });
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    let permissions =
        if policy.application { PERMISSIONS.replace("camera=()", "camera=(self)") } else { PERMISSIONS.to_owned() };
    if let Ok(value) = HeaderValue::from_str(&permissions) {
        headers.insert(HeaderName::from_static("permissions-policy"), value);
    }
    let content = HeaderValue::from_str(&policy.content_security());
    let content = content.unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    headers.insert(header::CONTENT_SECURITY_POLICY, content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_lets_anything_unsafe_in() {
        let pages = [
            Policy::default(),
            Policy::default().leading_to(Some("https://app.example".to_owned())),
            Policy { beacon: Some("https://beacon.example".to_owned()), ..Policy::default() },
            Policy { application: true, ..Policy::default() },
            Policy { frames: vec!["https://app.example".to_owned()], ..Policy::default() },
            Policy { carries: true, ..Policy::default() },
            Policy::nothing(),
        ];
        for policy in pages {
            let text = policy.content_security();
            assert!(text.starts_with("default-src 'none'; ") && text.contains("frame-ancestors 'none'"), "{text}");
            assert_eq!(text.contains("form-action 'self'"), !policy.carries && !policy.nothing, "{text}");
            assert_eq!(text.contains("; frame-src https://app.example; "), !policy.frames.is_empty(), "{text}");
            assert!(!text.contains("unsafe") && !text.contains('*') && !text.contains('\n'), "{text}");
        }
    }
}
