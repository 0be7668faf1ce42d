//! Cookies, read strictly and written whole.
//!
//! A pair that isn't one by RFC 6265 §4.1.1 is no cookie. A name that comes twice is ambiguous (somebody on a neighbouring host may have
//! tossed one of them in), and so it counts as absent.

use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;

/// The name of a session's cookie, without its prefix.
pub const SESSION: &str = "countersign-session";
/// The name of a grant's cookie, without its prefix.
pub const GRANT: &str = "countersign-grant";
/// The name of the cookie of a browser in which people have signed in, without its prefix.
pub const KNOWN: &str = "countersign-kb";

/// The name of the cookie that a device's key renews, without its prefix.
pub const DEVICE: &str = "countersign-device";

/// More than this is nobody's browser.
const MOST: usize = 100;

/// What the browser sent.
#[derive(Clone, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// From a request's headers.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        Self(lines.flat_map(|line| line.split(';')).take(MOST).filter_map(pair).collect())
    }

    /// The value, if there is exactly one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.trim_matches([' ', '\t']).split_once('=')?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    (is_token(name) && value.bytes().all(is_cookie_octet)).then(|| (name.to_owned(), value.to_owned()))
}

fn is_token(name: &str) -> bool {
    let separator = |byte: u8| b"()<>@,;:\\\"/[]?={} \t".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !separator(byte))
}

const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

/// A cookie for this host and all its paths, which no script can read and no foreign form sends along.
#[must_use]
pub fn set(name: &str, value: &str, life: Duration, secure: bool) -> Option<HeaderValue> {
    let fits = is_token(name) && value.bytes().all(is_cookie_octet);
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", life.as_secs());
    fits.then(|| HeaderValue::from_str(&text).ok()).flatten()
}

/// Takes a cookie back.
#[must_use]
pub fn forget(name: &str, secure: bool) -> Option<HeaderValue> {
    set(name, "", Duration::ZERO, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Cookies {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(line) {
            headers.insert(header::COOKIE, value);
        }
        Cookies::read(&headers)
    }

    #[test]
    fn pairs_are_read_and_nonsense_is_none() {
        let cookies = read("a=1; __Host-b=x.y_z-0; c=\"quoted\"; d; =e; f f=1; g=a,b; h=");
        assert_eq!(
            (cookies.get("a"), cookies.get("__Host-b"), cookies.get("c")),
            (Some("1"), Some("x.y_z-0"), Some("quoted"))
        );
        assert_eq!(
            (cookies.get("d"), cookies.get("f f"), cookies.get("g"), cookies.get("h")),
            (None, None, None, Some(""))
        );
    }

    #[test]
    fn a_name_that_comes_twice_counts_as_absent() {
        assert_eq!(read("a=1; a=2").get("a"), None);
        assert_eq!(read("a=1; a=1").get("a"), None);
        assert_eq!(read("a=1; A=2").get("a"), Some("1"));
    }

    #[test]
    fn what_is_written_holds_its_attributes_and_nothing_else() {
        let text = set("__Host-a", "v", Duration::from_secs(900), true).unwrap();
        assert_eq!(text, "__Host-a=v; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        assert!(set("a", "v; Domain=example.com", Duration::ZERO, true).is_none());
        assert!(set("a\r\nx", "v", Duration::ZERO, true).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics_and_nothing_is_read_that_could_not_be_written(line in "\\PC{0,200}", name in "[a-z]{1,3}") {
            if let Some(value) = read(&line).get(&name) {
                proptest::prop_assert!(set(&name, value, Duration::ZERO, true).is_some());
            }
        }

        #[test]
        fn what_was_set_is_what_is_read(name in "[A-Za-z_-]{1,20}", value in "[!#-+--:<-\\[\\]-~]{0,60}") {
            let value = value.trim_matches('"');
            let cookies = read(&format!("other=1x; {name}={value}; last="));
            proptest::prop_assert_eq!(cookies.get(&name), Some(value));
        }
    }
}
