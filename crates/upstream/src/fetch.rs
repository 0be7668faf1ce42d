//! The way to the network, as a parameter.

use std::{future::Future, pin::Pin};

use outbound::{FetchError, Fetched, Outbound, Request};

/// An answer that is on its way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, FetchError>> + Send + 'a>>;

/// Asks an address over HTTP. [`Outbound`] does, with its guard; a test answers by itself.
pub trait Fetch: Send + Sync {
    /// Asks.
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a>;
}

impl Fetch for Outbound {
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        Box::pin(self.send(request))
    }
}

/// Whether `address` may be used: `https`, or `http` on this machine's own loopback, without user, password or fragment.
///
/// # Errors
/// [`FetchError::Address`].
pub fn check_address(address: &str) -> Result<url::Url, FetchError> {
    if address.len() > outbound::MAX_URL {
        return Err(FetchError::Address);
    }
    let url = url::Url::parse(address).map_err(|_| FetchError::Address)?;
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(FetchError::Address),
    };
    let is_private = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    let fits = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    if fits && !is_private { Ok(url) } else { Err(FetchError::Address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_only_on_this_machine() {
        for good in ["https://a.example/b?c", "http://localhost:80/", "http://127.0.0.1/", "http://[::1]:8080/x"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "https://a:b@c.example/",
            "https://a.example/#b",
            "ftp://a.example/",
            "javascript:alert(1)",
            "/relative",
            "",
        ] {
            assert_eq!(check_address(bad), Err(FetchError::Address), "{bad}");
        }
        assert!(check_address(&format!("https://a.example/{}", "x".repeat(2048))).is_err());
    }
}
