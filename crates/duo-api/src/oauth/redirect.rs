//! Where a person may be sent back to.
//!
//! Duo's clients name the address in a request that they sign with their secret key; nobody has to register it. So it is the
//! client's own word, and what is checked is that a browser and this server read the same in it: an absolute address by https (or
//! by http on the machine itself, where applications are developed), without user, fragment, backslash or anything that isn't plain
//! ASCII. An integration whose setting `redirect_uris` lists addresses is held to them, byte for byte.

use super::error::OAuthError;
use auth::Application;
use http::Uri;

/// Bytes of an address.
const LONGEST: usize = 2048;

const NOT_ONE: OAuthError =
    OAuthError::InvalidRequest("The redirect_uri must be an absolute https address without a fragment.");
const NOT_LISTED: OAuthError = OAuthError::InvalidRequest("The redirect_uri is not one of this application's.");

/// Whether `app` may send its users back to `uri`.
pub(super) fn check(app: &Application, uri: &str) -> Result<(), OAuthError> {
    if !is_address(uri) {
        return Err(NOT_ONE);
    }
    let Some(listed) = app.grants.get("redirect_uris").filter(|listed| !listed.is_null()) else { return Ok(()) };
    // What isn't a list lists nothing: a setting that can't be read must not be read as none.
    let Some(listed) = listed.as_array() else { return Err(NOT_LISTED) };
    if listed.is_empty() || listed.iter().any(|known| known.as_str() == Some(uri)) { Ok(()) } else { Err(NOT_LISTED) }
}

fn is_address(uri: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'`' | b'^' | b'{' | b'|' | b'}')
    };
    if uri.len() > LONGEST || !uri.bytes().all(plain) {
        return false;
    }
    let Ok(parsed) = uri.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else { return false };
    let host = authority.host();
    // A port that isn't a number would be part of the name to some readers.
    let rest = authority.as_str().strip_prefix(host).unwrap_or("@");
    let port =
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    let own_machine = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    // Not in another case: a browser would write it small, and what comes back must be what was given.
    let by = uri.starts_with("https://") && scheme == "https" || uri.starts_with("http://") && own_machine;
    by && !host.is_empty() && port
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_absolute_and_read_the_same_by_everybody() {
        for good in [
            "https://wiki.example.test/duo-callback",
            "https://wiki.example.test",
            "https://wiki.example.test:8443/a/b?c=d&e=%20f",
            "https://vault.example.test/duo-redirect-connector.html?client=web",
            "http://localhost:3000/redirect",
            "http://localhost/redirect",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/duo-callback",
            "https://192.0.2.7/cb",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "/duo-callback",
            "//wiki.example.test/",
            "wiki.example.test/cb",
            "http://wiki.example.test/cb",
            "http://localhost.evil.test/",
            "http://127.0.0.1.evil.test/",
            "http://localhost@evil.test/",
            "https://user@wiki.example.test/",
            "https://user:pass@wiki.example.test/",
            "https://wiki.example.test/#x",
            "https://wiki.example.test/a b",
            "https://wiki.example.test\\@evil.test/",
            "https:\\\\wiki.example.test/",
            "https:/wiki.example.test/",
            "https:wiki.example.test",
            "https://",
            "https:///path",
            "https://:443/",
            "https://wiki.example.test:/",
            "https://wiki.example.test:0/",
            "https://wiki.example.test:70000/",
            "https://wiki.example.test:x/",
            "HTTPS://wiki.example.test/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://wiki.example.test/",
            "https://wiki.example.test/\r\nSet-Cookie: a=b",
            "https://wiki.example.test/\"><script>",
            "https://wikí.example.test/",
            "\thttps://wiki.example.test/",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_address(&format!("https://a.test/{}", "x".repeat(LONGEST - 15))));
        assert!(!is_address(&format!("https://a.test/{}", "x".repeat(LONGEST - 14))));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_accepted_can_stand_in_a_header(text in "\\PC{0,60}", path in "[ -~]{0,30}") {
            let _ = is_address(&text);
            let whole = format!("https://a.test{path}");
            if is_address(&whole) {
                prop_assert!(http::HeaderValue::from_str(&whole).is_ok());
            }
        }
    }
}
