//! Requests to addresses that others named: callbacks of a tenant's programs, metadata and keys of applications, receivers of events.
//!
//! Whoever may name an address must not reach what only this machine can reach. So names are resolved here, and a connection is made
//! to an address of the public Internet only, the one that was looked at and no other; a redirect is never followed; no proxy of the
//! environment is used; an answer is bounded in time and size. Networks of the operator's own can be allowed by the configuration.
//!
//! Nothing else in the house may ask an address that somebody outside chose.

use ipnet::IpNet;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

/// The longest address, in bytes.
pub const MAX_URL: usize = 2048;
/// What is usually read of an answer at most, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;
/// From the look-up of the name to the end of the answer, where nothing shorter is asked for.
const DEADLINE: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);

/// Asks addresses that others named.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    allowed: Arc<[IpNet]>,
}

/// By which method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

/// What is asked.
pub struct Request<'a> {
    /// By which method.
    pub method: Method,
    /// `http` or `https`.
    pub url: &'a str,
    /// Names and values. A credential among them is logged nowhere.
    pub headers: &'a [(&'a str, &'a str)],
    /// Media type and content; empty for a GET.
    pub content_type: &'a str,
    /// The content.
    pub body: Vec<u8>,
    /// What is read of the answer at most, in bytes; more is [`FetchError::TooLong`].
    pub limit: usize,
    /// From the look-up of the name to the end of the answer; more is [`FetchError::TimedOut`].
    pub deadline: Duration,
}

impl<'a> Request<'a> {
    /// A GET of at most [`MAX_ANSWER`] bytes.
    #[must_use]
    pub const fn get(url: &'a str) -> Self {
        Self {
            method: Method::Get,
            url,
            headers: &[],
            content_type: "",
            body: Vec::new(),
            limit: MAX_ANSWER,
            deadline: DEADLINE,
        }
    }

    /// A POST whose answer has at most [`MAX_ANSWER`] bytes.
    #[must_use]
    pub const fn post(url: &'a str, content_type: &'a str, body: Vec<u8>) -> Self {
        Self { method: Method::Post, url, headers: &[], content_type, body, limit: MAX_ANSWER, deadline: DEADLINE }
    }

    /// With these headers.
    #[must_use]
    pub fn with_headers(self, headers: &'a [(&'a str, &'a str)]) -> Self {
        Self { headers, ..self }
    }

    /// With another limit of the answer.
    #[must_use]
    pub fn up_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// With a shorter deadline.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }
}

/// What came back.
pub struct Fetched {
    /// HTTP's status.
    pub status: u16,
    /// The media type as it was given, or nothing.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back. No text repeats the address: it may name a person.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum FetchError {
    /// Not an address that can be asked.
    #[error("not an http address")]
    Address,
    /// It leads to a network that nobody outside may name.
    #[error("the address leads to a network that is not allowed")]
    Forbidden,
    /// No connection, or it broke.
    #[error("no answer")]
    Unreachable,
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// The answer was too long.
    #[error("the answer is too long")]
    TooLong,
    /// The client could not be made.
    #[error("the HTTP client could not be made")]
    Client,
}

impl Outbound {
    /// Reaches the public Internet, and `allowed` beside it. `user_agent` is what it calls itself.
    ///
    /// # Errors
    /// [`FetchError::Client`] when TLS can't be set up.
    pub fn new(allowed: Vec<IpNet>, user_agent: &str) -> Result<Self, FetchError> {
        let allowed: Arc<[IpNet]> = allowed.into();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guard { allowed: Arc::clone(&allowed) }))
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            // A kept connection would be used for another tenant's request to the same host.
            .pool_max_idle_per_host(0)
            .user_agent(user_agent)
            .build()
            .map_err(|_| FetchError::Client)?;
        Ok(Self { client, allowed })
    }

    /// Whether `url` may be asked, as far as that can be told without looking its name up.
    ///
    /// # Errors
    /// [`FetchError::Address`] or [`FetchError::Forbidden`].
    pub fn check(&self, url: &str) -> Result<Url, FetchError> {
        if url.len() > MAX_URL {
            return Err(FetchError::Address);
        }
        let url = Url::parse(url).map_err(|_| FetchError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Address);
        }
        let host = url.host_str().ok_or(FetchError::Address)?;
        // A literal address is never looked up, so the guard of names would not see it. The parser has brought every spelling of an
        // IPv4 address to one.
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match literal.parse::<IpAddr>() {
            Ok(ip) if !may_reach(ip, &self.allowed) => Err(FetchError::Forbidden),
            _ => Ok(url),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// See [`FetchError`]; a status of 400 or more is an answer.
    pub async fn send(&self, asked: Request<'_>) -> Result<Fetched, FetchError> {
        let url = self.check(asked.url)?;
        let mut request = match asked.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url).header("Content-Type", asked.content_type).body(asked.body),
        };
        request = request.timeout(asked.deadline);
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send().await.map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().chars().take(128).collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > asked.limit {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { status, content_type, body })
    }
}

fn failed(error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.downcast_ref::<Refused>().is_some() {
            return FetchError::Forbidden;
        }
        cause = one.source();
    }
    if error.is_timeout() { FetchError::TimedOut } else { FetchError::Unreachable }
}

/// Looks names up and keeps only addresses that may be reached; the connection is made to one of these.
struct Guard {
    allowed: Arc<[IpNet]>,
}

/// A name leads to networks that are not allowed and to no other.
#[derive(Debug, thiserror::Error)]
#[error("not allowed")]
struct Refused;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let all: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One forbidden address among several is a name that was made to confuse.
            if all.iter().any(|address| !may_reach(address.ip(), &allowed)) {
                return Err(Box::new(Refused) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(all.into_iter()) as Addrs)
        })
    }
}

fn may_reach(ip: IpAddr, allowed: &[IpNet]) -> bool {
    let ip = ip.to_canonical();
    is_public(ip) || allowed.iter().any(|net| net.contains(&ip))
}

/// Whether an address is one of the public Internet (IANA's registries of special-purpose addresses, RFC 6890).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        // "This network", shared address space (RFC 6598), IETF protocols, 6to4 relays, benchmarks, reserved and broadcast.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    // Global unicast only, and of it neither IETF protocols with Teredo (2001::/23), documentation nor 6to4, which carries an IPv4
    // address that nobody has looked at.
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn closed() -> Outbound {
        Outbound::new(Vec::new(), "test").unwrap()
    }

    fn open() -> Outbound {
        Outbound::new(vec!["127.0.0.0/8".parse().unwrap()], "test").unwrap()
    }

    #[test]
    fn only_the_public_internet() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "203.0.113.9",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "100.63.0.1", "100.128.0.1", "192.0.1.1", "172.32.0.1", "2606:4700::1111", "2001:4860::1"]
        {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn every_spelling_of_this_machine_is_refused() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://①②⑦.0.0.1/",
            "https://user@10.0.0.1/",
        ] {
            assert_eq!(closed().check(url).err(), Some(FetchError::Forbidden), "{url}");
        }
        for url in
            ["ftp://example.com/", "file:///etc/passwd", "javascript:1", "//example.com", "", "http://", "unix:/run/x"]
        {
            assert_eq!(closed().check(url).err(), Some(FetchError::Address), "{url}");
        }
        assert!(closed().check(&format!("https://example.com/{}", "a".repeat(MAX_URL))).is_err());
        assert!(closed().check("https://example.com/x?y=1").is_ok());
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_where_it_is_looked_up() {
        assert_eq!(closed().send(Request::get("http://localhost:9/")).await.err(), Some(FetchError::Forbidden));
    }

    /// Answers one request with `answer` and gives what was asked.
    async fn served(answer: Vec<u8>) -> (Result<Fetched, FetchError>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            let mut piece = [0; 1024];
            while !asked.ends_with(b"the end") {
                let read = socket.read(&mut piece).await.unwrap();
                asked.extend_from_slice(&piece[..read]);
            }
            let _ = socket.write_all(&answer).await;
            String::from_utf8(asked).unwrap()
        });
        let headers = [("Authorization", "Bearer x")];
        let request = Request::post(&url, "application/secevent+jwt", b"the end".to_vec()).with_headers(&headers);
        let got = open().send(request).await;
        (got, server.await.unwrap())
    }

    #[tokio::test]
    async fn what_is_sent_is_sent_with_its_headers() {
        let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec();
        let (got, asked) = served(answer).await;
        assert_eq!(got.unwrap().status, 202);
        let asked = asked.to_ascii_lowercase();
        assert!(asked.starts_with("post /events "));
        assert!(asked.contains("authorization: bearer x") && asked.contains("content-type: application/secevent+jwt"));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_no_way() {
        let answer = b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n".to_vec();
        assert_eq!(served(answer).await.0.unwrap().status, 302);
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut() {
        let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_ANSWER * 2).into_bytes();
        answer.resize(answer.len() + MAX_ANSWER * 2, b'x');
        assert_eq!(served(answer).await.0.err(), Some(FetchError::TooLong));
    }

    proptest! {
        #[test]
        fn whatever_is_named_is_checked_without_panic(url in "\\PC{0,80}|https?://[0-9a-fx.:\\[\\]]{1,40}/") {
            if let Ok(url) = closed().check(&url)
                && let Some(ip) = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok())
            {
                prop_assert!(is_public(ip));
            }
        }
    }
}
