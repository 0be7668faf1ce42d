//! Where a person may be sent back to: to an address that the client registered, byte for byte (RFC 9700 §2.1).
//!
//! One exception has a reason: a native program listens at a port that it gets when it starts, so of a registered loopback address the
//! port alone may differ (RFC 8252 §7.3). Nothing is normalised on the way: an address that means the same and is written otherwise is
//! another address.

/// Bytes of an address.
const LONGEST: usize = 2048;

/// Whether somebody may be sent to `asked`, which must be one of `registered`.
#[must_use]
pub fn is_registered<'a>(registered: impl IntoIterator<Item = &'a str>, asked: &str) -> bool {
    is_safe(asked) && registered.into_iter().any(|known| known == asked || differs_in_port_only(known, asked))
}

/// Whether an address may be registered, by whomever: absolute, without a fragment, by https; by http on the machine itself; or, for a
/// program on somebody's own device (not `confidential`), by a scheme of its own that is a reversed domain name (RFC 8252 §7.1).
#[must_use]
pub fn may_be_registered(uri: &str, confidential: bool) -> bool {
    // Whoever writes a star means more addresses than one.
    if !is_safe(uri) || uri.contains('*') {
        return false;
    }
    if let Some(rest) = uri.strip_prefix("https://") {
        return authority(rest).is_some();
    }
    if uri.starts_with("http://") {
        return loopback(uri).is_some() || local_host(uri);
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
    !confidential && scheme.contains('.') && scheme.bytes().all(plain) && rest.starts_with('/')
}

/// What every reader reads the same: plain ASCII without a fragment, a backslash, or what must be encoded.
fn is_safe(uri: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>' | b'`' | b'^' | b'{' | b'|' | b'}')
    };
    !uri.is_empty() && uri.len() <= LONGEST && uri.bytes().all(plain)
}

/// Host, port and what follows, of what stands after `https://`; none where somebody's name or nonsense stands there.
fn authority(rest: &str) -> Option<(&str, Option<u16>, &str)> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (_, after) = inner.split_once(']')?;
            (
                authority.get(..authority.len() - after.len())?,
                after.strip_prefix(':').or(after.is_empty().then_some("")),
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    let port = match port? {
        "" if !authority.ends_with(':') => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse::<u16>().ok().filter(|port| *port > 0)?)
        }
        _ => return None,
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    (!host.is_empty() && host.bytes().all(fits)).then_some((host, port, path))
}

/// Port and path of an address on the machine itself, by its number: `localhost` may be another machine's name (RFC 8252 §8.3).
fn loopback(uri: &str) -> Option<(&str, Option<u16>, &str)> {
    authority(uri.strip_prefix("http://")?).filter(|(host, ..)| matches!(*host, "127.0.0.1" | "[::1]"))
}

fn local_host(uri: &str) -> bool {
    uri.strip_prefix("http://").and_then(authority).is_some_and(|(host, ..)| host == "localhost")
}

fn differs_in_port_only(known: &str, asked: &str) -> bool {
    match (loopback(known), loopback(asked)) {
        (Some((host, _, path)), Some((asked_host, _, asked_path))) => host == asked_host && path == asked_path,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn redirects_by_prefix_suffix_regex_look_alike_and_their_kin_lead_nowhere() {
        let registered = ["https://app.example/cb", "https://a.app.example/cb?x=1", "com.example.app:/cb"];
        for good in registered {
            assert!(is_registered(registered, good), "{good}");
            assert!(may_be_registered(good, false), "{good}");
        }
        for bad in [
            // Prefix.
            "https://app.example/cb/more",
            "https://app.example/cb?code=1",
            "https://app.example/cb;a",
            "https://app.example/cbx",
            "https://app.example.evil.example/cb",
            "https://app.example/cb/../evil",
            "https://app.example/cb%2f..%2fevil",
            // Suffix.
            "https://evilapp.example/cb",
            "https://evil.example/https://app.example/cb",
            "https://evil.example/?https://app.example/cb",
            "https://evil.example/cb",
            // Regular expressions.
            "https://appxexample/cb",
            "https://app-example/cb",
            "https://.*/cb",
            // Look-alikes.
            "https://аpp.example/cb",
            "https://app.examp1e/cb",
            "https://app\u{3002}example/cb",
            // Somebody's name before the host.
            "https://app.example@evil.example/cb",
            "https://app.example:443@evil.example/cb",
            "https://evil.example\\@app.example/cb",
            "https://user@app.example/cb",
            // Case.
            "HTTPS://app.example/cb",
            "https://APP.example/cb",
            "https://app.example/CB",
            // Slashes.
            "https://app.example/cb/",
            "https://app.example//cb",
            "https:/app.example/cb",
            "https:app.example/cb",
            // Ports.
            "https://app.example:443/cb",
            "https://app.example:8443/cb",
            "https://app.example:/cb",
            // Fragments.
            "https://app.example/cb#",
            "https://app.example/cb#x",
            "https://app.example/cb%23x#@evil.example",
            // Schemes.
            "http://app.example/cb",
            "javascript:alert(1)//app.example/cb",
            "data:text/html,x",
            "//app.example/cb",
            "/cb",
            "",
            // What a header can't hold, and what ends one.
            "https://app.example/cb\r\nSet-Cookie: a=b",
            "https://app.example/cb\0",
            " https://app.example/cb",
            "https://app.example/cb ",
            "https://app.example/cb\t",
            // Another order of the query.
            "https://a.app.example/cb",
            "https://a.app.example/cb?x=1&y=2",
            "https://a.app.example/cb?x=2",
            "com.example.app:/cb2",
            "com.example.app://evil/cb",
        ] {
            assert!(!is_registered(registered, bad), "{bad}");
        }
    }

    #[test]
    fn of_a_loopback_address_the_port_alone_may_differ() {
        let registered = ["http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost:9/cb"];
        for good in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/cb",
            "http://[::1]/cb",
            "http://[::1]:80/cb",
            "http://localhost:9/cb",
        ] {
            assert!(is_registered(registered, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:70000/cb",
            "http://127.0.0.1:80x/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1/cb/",
            "http://127.0.0.1/cb?x",
            "http://127.0.0.2/cb",
            "http://127.1/cb",
            "http://0x7f000001/cb",
            "https://127.0.0.1/cb",
            "http://[::1%251]/cb",
            "http://[::2]/cb",
            // The name may be another machine's: as registered and not otherwise.
            "http://localhost:10/cb",
        ] {
            assert!(!is_registered(registered, bad), "{bad}");
        }
    }

    #[test]
    fn what_may_be_registered_is_https_or_the_machine_itself_or_a_programs_own() {
        for good in [
            "https://a.example",
            "https://a.example:8443/x?y=1",
            "http://localhost:8080/cb",
            "http://127.0.0.1/",
            "com.example.app:/cb",
        ] {
            assert!(may_be_registered(good, false), "{good}");
        }
        // A program that keeps a secret runs at a place with a name.
        assert!(!may_be_registered("com.example.app:/cb", true) && may_be_registered("https://a.example", true));
        for bad in [
            "http://a.example/cb",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "https://",
            "https:///x",
            "https://:443/",
            "https://user@a.example/",
            "https://a.example/#x",
            "https://*.example/",
            "https://a.example/*",
            "javascript:alert(1)",
            "javascript:/x",
            "data:text/html,x",
            "app:/cb",
            "file:/etc/passwd",
            "COM.example:/cb",
            "com.example:cb",
        ] {
            assert!(!may_be_registered(bad, false), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_taken_is_registered_or_differs_in_its_port(text in "\\PC{0,60}|http://127\\.0\\.0\\.1[ -~]{0,20}") {
            if is_registered(["https://app.example/cb", "http://127.0.0.1/cb"], &text) {
                let rest = text.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/cb"));
                prop_assert!(text == "https://app.example/cb" || rest.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())));
            }
            let _ = may_be_registered(&text, false);
        }
    }
}
