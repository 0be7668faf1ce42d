//! Who the client is: the peer of the connection, or, behind a proxy that is trusted, whom the proxy names.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are believed.
#[derive(Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks.
    #[must_use]
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Whether this address is such a proxy's.
    #[must_use]
    pub fn contain(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }

    /// The client's address. A name from `X-Forwarded-For` has port 0.
    ///
    /// Each proxy appends the address that it saw, so the list is believed from its end, for as long as what stands
    /// there was written by a trusted proxy. What can't be read ends the walk at the last address that could: a client
    /// can write nonsense into the header, but gains no address by it.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if self.0.is_empty() || !self.contain(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        let lists: Vec<&[u8]> = headers.get_all(FORWARDED_FOR).iter().map(http::HeaderValue::as_bytes).collect();
        for item in lists.iter().rev().flat_map(|list| list.rsplit(|byte| *byte == b',')) {
            let Some(ip) = std::str::from_utf8(item).ok().and_then(|item| address(item.trim())) else { break };
            client = SocketAddr::new(ip, 0);
            if !self.contain(ip) {
                break;
            }
        }
        client
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(IpAddr::to_canonical(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str]) -> String {
        let proxies =
            TrustedProxies::new(["10.0.0.0/8", "2001:db8:1::/48"].map(|n| n.parse().expect("a network")).to_vec());
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, http::HeaderValue::from_bytes(header.as_bytes()).expect("a header"));
        }
        proxies.client(peer.parse().expect("an address"), &map).to_string()
    }

    #[test]
    fn an_untrusted_peer_is_itself_whatever_it_says() {
        assert_eq!(client("192.0.2.1:5", &["198.51.100.1"]), "192.0.2.1:5");
        assert_eq!(client("[::ffff:192.0.2.1]:5", &["198.51.100.1"]), "192.0.2.1:5");
    }

    #[test]
    fn a_trusted_proxy_names_the_client_and_only_the_last_untrusted_name_counts() {
        assert_eq!(client("10.0.0.1:5", &["198.51.100.1"]), "198.51.100.1:0");
        assert_eq!(client("10.0.0.1:5", &["127.0.0.1, 198.51.100.1, 10.2.2.2"]), "198.51.100.1:0");
        assert_eq!(client("10.0.0.1:5", &["127.0.0.1", "198.51.100.1 ", " 10.2.2.2,10.3.3.3"]), "198.51.100.1:0");
        assert_eq!(client("10.0.0.1:5", &["[2001:db8::7]:443"]), "[2001:db8::7]:0");
        assert_eq!(client("[2001:db8:1::1]:5", &["198.51.100.1:8080"]), "198.51.100.1:0");
        assert_eq!(client("10.0.0.1:5", &["10.9.9.9"]), "10.9.9.9:0");
    }

    #[test]
    fn a_header_that_cannot_be_read_gives_nobody_another_address() {
        assert_eq!(client("10.0.0.1:5", &[]), "10.0.0.1:5");
        assert_eq!(client("10.0.0.1:5", &[""]), "10.0.0.1:5");
        assert_eq!(client("10.0.0.1:5", &["unknown"]), "10.0.0.1:5");
        assert_eq!(client("10.0.0.1:5", &["198.51.100.1, nonsense"]), "10.0.0.1:5");
        assert_eq!(client("10.0.0.1:5", &["nonsense, 10.2.2.2"]), "10.2.2.2:0");
        assert_eq!(client("10.0.0.1:5", &["198.51.100.1,"]), "10.0.0.1:5");
        assert_eq!(client("10.0.0.1:5", &["198.51.100.1\u{e9}"]), "10.0.0.1:5");
    }

    proptest::proptest! {
        #[test]
        fn no_header_moves_an_untrusted_peer_and_none_panics(header in "[ -~]{0,80}") {
            proptest::prop_assert_eq!(client("192.0.2.1:5", &[&header]), "192.0.2.1:5");
            let _ = client("10.0.0.1:5", &[&header]);
        }

        #[test]
        fn what_a_client_writes_before_the_proxys_word_changes_nothing(forged in "[0-9a-f.:, ]{0,60}") {
            proptest::prop_assert_eq!(client("10.0.0.1:5", &[&format!("{forged}, 198.51.100.1")]), "198.51.100.1:0");
        }
    }
}
