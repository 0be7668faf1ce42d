//! Under which name a browser came: the `Host` header and nothing else. No forwarding header is ever read.

use http::{HeaderMap, Uri, header};

/// The longest that DNS has (RFC 1035 §3.1), with a port.
const LONGEST: usize = 253 + 6;

/// A request's host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Lower-case, without port and without a dot at the end.
    pub name: String,
    /// Where it isn't the scheme's own.
    pub port: Option<u16>,
}

impl Host {
    /// None where there isn't exactly one, or it isn't one, or the request's target names another.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(header::HOST).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let host = Self::parse(line.to_str().ok()?)?;
        match uri.authority() {
            // RFC 9112 §3.2.2: a target in absolute form must say the same.
            Some(authority) if Self::parse(authority.as_str())? != host => None,
            _ => Some(host),
        }
    }

    /// From `name` or `name:port`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => {
                let plain = port.bytes().all(|byte| byte.is_ascii_digit());
                (name, Some(port.parse::<u16>().ok().filter(|port| *port > 0 && plain)?))
            }
            // Passkeys need a name, so an address in brackets is nobody's.
            Some(_) => return None,
            None => (text, None),
        };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        name.split('.').all(is_label).then_some(Self { name, port: port.filter(|port| *port != 443) })
    }

    /// The origin of pages under this host (RFC 6454 §6.2).
    #[must_use]
    pub fn origin(&self, secure: bool) -> String {
        let scheme = if secure { "https" } else { "http" };
        match self.port.filter(|port| secure || *port != 80) {
            Some(port) => format!("{scheme}://{}:{port}", self.name),
            None => format!("{scheme}://{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(target: &str, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::HOST, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers.insert("x-forwarded-host", HeaderValue::from_static("evil.example"));
        headers.insert("forwarded", HeaderValue::from_static("host=evil.example"));
        Host::of(&target.parse().unwrap(), &headers).map(|host| host.origin(true))
    }

    #[test]
    fn there_is_one_host_and_it_is_a_name() {
        assert_eq!(of("/", &["Login.Example.com"]).as_deref(), Some("https://login.example.com"));
        assert_eq!(of("/", &["login.example.com.:8443"]).as_deref(), Some("https://login.example.com:8443"));
        assert_eq!(of("/", &["login.example.com:443"]).as_deref(), Some("https://login.example.com"));
        assert_eq!(of("https://a.example/", &["a.example"]).as_deref(), Some("https://a.example"));
        assert_eq!(of("https://evil.example/", &["a.example"]), None);
        assert_eq!(of("/", &["a.example", "evil.example"]), None);
        for wrong in [
            "",
            ":8443",
            "a.example:",
            "a.example:+1",
            "a.example:0",
            "a.example:99999",
            "a..example",
            "a example",
            "user@a.example",
            "a.example/evil",
            "[::1]",
            "::1",
            "a.example:8443@evil",
            "b\u{fc}cher.example",
        ] {
            assert_eq!(of("/", &[wrong]), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_is_a_name_in_one_form(text in "[ -~]{0,80}") {
            if let Some(host) = Host::parse(&text) {
                proptest::prop_assert!(host.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.'));
                proptest::prop_assert_eq!(Host::parse(host.origin(true).trim_start_matches("https://")), Some(host));
            }
        }
    }
}
