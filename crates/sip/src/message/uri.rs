//! Addresses: `sip:user@host:port;params?headers`, and others as they are.

use super::{Malformed, Params};
use std::net::IpAddr;
use zeroize::Zeroize as _;

/// The longest address.
const MAX_URI: usize = 1024;

/// A URI as it was written, with what routing needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    text: String,
    parts: Option<Parts>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    host: String,
    port: Option<u16>,
    params: Params,
}

impl Drop for Uri {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl Uri {
    /// Reads one. `sip:` and `sips:` are taken apart, others are only checked for what can't stand in a URI.
    ///
    /// # Errors
    /// It isn't one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_URI {
            return Err(Malformed::TooLong);
        }
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"<>\"".contains(&byte)) {
            return Err(Malformed::Address);
        }
        let (scheme, rest) = text.split_once(':').ok_or(Malformed::Address)?;
        let named = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !named || rest.is_empty() {
            return Err(Malformed::Address);
        }
        let is_ours = ["sip", "sips"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
        let parts = if is_ours { Some(Parts::parse(rest)?) } else { None };
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The host; nothing for another scheme than SIP's.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.parts.as_ref().map(|parts| parts.host.as_str())
    }

    /// The port, where one is given.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.parts.as_ref()?.port
    }

    /// A parameter of the URI.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        self.parts.as_ref()?.params.get(name)
    }
}

impl Parts {
    fn parse(rest: &str) -> Result<Self, Malformed> {
        // The user's part may hold `;` and `?`; the host never holds `@`.
        let place = match rest.rsplit_once('@') {
            // An `@` behind a `?` would stand in a header's value, where it must be escaped.
            Some((user, place)) => {
                if user.is_empty() || user.contains('@') || !escapes_are_whole(user) {
                    return Err(Malformed::Address);
                }
                place
            }
            None => rest,
        };
        let place = place.split('?').next().unwrap_or_default();
        let (host, params) = place.split_once(';').unwrap_or((place, ""));
        let (host, port) = split_port(host)?;
        Ok(Self { host: host.to_owned(), port, params: Params::parse(params)? })
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
pub(super) fn split_port(text: &str) -> Result<(&str, Option<u16>), Malformed> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']').ok_or(Malformed::Address)?;
            if !inside.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
                return Err(Malformed::Address);
            }
            (inside, after.strip_prefix(':').or(if after.is_empty() { None } else { Some("x") }))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if host.is_empty() || host.len() > 255 || !(host.contains(':') || host.bytes().all(is_name)) {
        return Err(Malformed::Address);
    }
    let port = match port.map(str::trim) {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| Malformed::Address)?)
        }
        Some(_) => return Err(Malformed::Address),
        None => None,
    };
    Ok((host, port))
}

fn escapes_are_whole(text: &str) -> bool {
    let mut parts = text.split('%');
    parts.next();
    parts.all(|part| part.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
}
