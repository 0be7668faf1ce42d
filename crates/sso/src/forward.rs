//! Applications that speak no protocol: a reverse proxy asks here about each request (nginx `auth_request`, Traefik's ForwardAuth, Caddy's
//! `forward_auth`), and tells the application who it is.
//!
//! The application's host has a cookie of its own, a [pass](auth::binding), which stands for the session here and ends with it. A browser
//! gets it by a code that it carries over once, bound to a secret that only it has, so nobody signs somebody else in as himself. The pass is
//! good for the address and the browser that it was given to; no page of ours can sign there.
//!
//! What a request says of itself (`X-Forwarded-…`) is believed only from the networks of the application's proxies. What can't be read is
//! never let through: each header and cookie is there once and well-formed, or the answer is no.

use crate::{
    Participant, Protocol, RelyingParty, SignedIn, Sso, SsoError, claims::Source, cookies::Cookies, host::Host,
    party::ForwardHost,
};
use auth::sign_in::is_local_path;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use types::{SecretString, TenantId};

/// The name of the cookie at the application's host. Always with the prefix: there, everything is https.
pub const PASS: &str = "__Host-countersign-pass";
/// The name of the cookie that a hand-over is bound to.
pub const STATE: &str = "__Host-countersign-forward";
/// After so long a browser that opens a page proves its key again, unseen.
const RENEWED: Duration = Duration::from_secs(300);
/// The longest address that is asked about, in bytes.
const LONGEST: usize = 8192;
/// What is looked at of what a browser calls itself, in bytes.
const LONGEST_AGENT: usize = 1024;

/// Who has opened the connection, before anybody is believed about anybody else. The server puts it into a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A request at an application, as its proxy describes it.
#[derive(Clone)]
pub struct Forwarded {
    /// Of which application: the key of its relying party.
    pub key: String,
    /// Path and query.
    pub uri: String,
    /// The client's address, as the proxy has seen it.
    pub client: IpAddr,
    /// What the browser calls itself.
    pub agent: String,
    /// Whether a page is opened, which may be led through a proof.
    pub opens: bool,
}

/// Why a description can't be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotForwarded {
    /// It is missing, twice, or not what it should be.
    Malformed,
    /// No application has this host.
    Unknown,
    /// It doesn't come from one of the application's proxies.
    Stranger,
}

/// What is answered to a proxy.
pub enum ForwardAnswer {
    /// Go on, with these headers. Those without a value are there too, so that nothing stays that a browser sent.
    Pass(Vec<(HeaderName, HeaderValue)>),
    /// Nobody is signed in there, or it must be proved again.
    SignIn,
    /// Not this person.
    Denied,
}

impl Forwarded {
    /// From the headers that a proxy sets: each is there once.
    ///
    /// # Errors
    /// [`NotForwarded::Malformed`].
    pub fn read(headers: &HeaderMap) -> Result<Self, NotForwarded> {
        let one = |name: &str| {
            let mut lines = headers.get_all(name).iter();
            match (lines.next().map(HeaderValue::to_str), lines.next()) {
                (Some(Ok(line)), None) if line.len() <= LONGEST => Ok(Some(line.trim())),
                (None, _) => Ok(None),
                _ => Err(NotForwarded::Malformed),
            }
        };
        let must = |name: &str| one(name)?.ok_or(NotForwarded::Malformed);
        let host = Host::parse(must("x-forwarded-host")?).ok_or(NotForwarded::Malformed)?;
        let uri = must("x-forwarded-uri")?;
        // A proxy puts the client that it sees behind those that it was told of.
        let client = must("x-forwarded-for")?.rsplit(',').next().unwrap_or_default().trim();
        let client: IpAddr = client.parse().map_err(|_| NotForwarded::Malformed)?;
        if must("x-forwarded-proto")? != "https" || !uri.starts_with('/') || uri.bytes().any(|b| !b.is_ascii_graphic())
        {
            return Err(NotForwarded::Malformed);
        }
        let agent = one(header::USER_AGENT.as_str())?.unwrap_or_default();
        let asks = one("x-forwarded-method")?.is_none_or(|method| matches!(method, "GET" | "HEAD"));
        let page = match one("sec-fetch-mode")? {
            Some(mode) => mode == "navigate",
            None => one(header::ACCEPT.as_str())?.is_some_and(|accept| accept.contains("text/html")),
        };
        Ok(Self {
            key: host.port.map_or(host.name.clone(), |port| format!("{}:{port}", host.name)),
            uri: uri.to_owned(),
            client: client.to_canonical(),
            agent: agent.get(..LONGEST_AGENT).unwrap_or(agent).to_owned(),
            opens: asks && page,
        })
    }

    /// What a pass is good for.
    fn about(&self, party: &RelyingParty) -> String {
        let near = match self.client {
            IpAddr::V4(ip) => ip.to_string(),
            // A network of one customer (RFC 6177), whose devices change their addresses.
            IpAddr::V6(ip) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        };
        format!("{}\n{}\n{near}\n{}", party.ikey(), party.key, self.agent)
    }
}

impl Sso {
    /// The application that a proxy's request is about, where it comes from one of its proxies.
    pub async fn forwarded(
        &self,
        tenant: TenantId,
        peer: Option<Peer>,
        headers: &HeaderMap,
    ) -> Result<Result<(Arc<RelyingParty>, Forwarded), NotForwarded>, SsoError> {
        let forwarded = match Forwarded::read(headers) {
            Ok(forwarded) => forwarded,
            Err(why) => return Ok(Err(why)),
        };
        let party = self.party(tenant, Protocol::Forward, &forwarded.key).await?;
        let Some(party) = party.filter(|party| party.app.enabled) else { return Ok(Err(NotForwarded::Unknown)) };
        let near = party.forward().zip(peer).is_some_and(|(host, peer)| is_proxy(host, peer.0.ip()));
        Ok(if near { Ok((party, forwarded)) } else { Err(NotForwarded::Stranger) })
    }

    /// Whether a request may go on to the application.
    pub async fn forward(
        &self,
        party: &RelyingParty,
        asked: &Forwarded,
        headers: &HeaderMap,
    ) -> Result<ForwardAnswer, SsoError> {
        let Some(settings) = party.forward().filter(|_| party.app.enabled) else { return Ok(ForwardAnswer::Denied) };
        if is_public(settings, &asked.uri) {
            return Ok(ForwardAnswer::Pass(told(settings, &[])));
        }
        let cookies = Cookies::read(headers);
        let Some(pass) = cookies.get(PASS) else { return Ok(ForwardAnswer::SignIn) };
        let Some(passed) = self.auth().passed(party.tenant(), pass, &asked.about(party)).await? else {
            return Ok(ForwardAnswer::SignIn);
        };
        let age = self.world().now().since(passed.made);
        let life = Duration::from_secs(u64::from(settings.session_seconds));
        let session = passed.session;
        if age >= life || (asked.opens && age >= RENEWED) || session.level() < settings.level || !session.may_sign_on()
        {
            return Ok(ForwardAnswer::SignIn);
        }
        let client = auth::Client { ip: Some(asked.client), ..auth::Client::default() };
        let Ok(holder) = self.admit(party, session.user(), client).await? else { return Ok(ForwardAnswer::Denied) };
        // What the person has proved may not be enough any more, by policy or because they have something better now.
        if !self.auth().suits(&party.app, &holder, session.strength()) {
            return Ok(ForwardAnswer::SignIn);
        }
        let person = self.person_of(party.tenant(), holder, &party.settings).await?;
        Ok(ForwardAnswer::Pass(told(settings, &self.attributes(&person, party))))
    }

    /// The code that carries a session over to the application's host, for the browser that has the secret which `state` is the hash of.
    /// None where the session has ended meanwhile.
    pub async fn hand_over(
        &self,
        signed: &SignedIn,
        party: &RelyingParty,
        state: &str,
    ) -> Result<Option<SecretString>, SsoError> {
        let Some(session) = self.auth().session_by_id(signed.tenant, signed.session).await? else { return Ok(None) };
        self.participate(signed, party, &Participant::Forward).await?;
        Ok(Some(self.auth().hand_over(&session, &handed(party, state)).await?))
    }

    /// Takes a code at the application's host: the pass for its cookie, and how long that is kept. Of many with one code one is given it.
    pub async fn take_over(
        &self,
        party: &RelyingParty,
        asked: &Forwarded,
        code: &str,
        state: &str,
    ) -> Result<Option<(SecretString, Duration)>, SsoError> {
        let Some(settings) = party.forward() else { return Ok(None) };
        let taken = self.auth().take_over(party.tenant(), code, &handed(party, state)).await?;
        let Some(taken) = taken else { return Ok(None) };
        let pass = self.auth().pass(&taken.session, &asked.about(party)).await?;
        Ok(Some((pass, Duration::from_secs(u64::from(settings.session_seconds)))))
    }

    /// The application that an address belongs to, with the path there; none for an address of nobody's.
    pub async fn forward_target(
        &self,
        tenant: TenantId,
        address: &str,
    ) -> Result<Option<(Arc<RelyingParty>, String)>, SsoError> {
        let Some(rest) = address.strip_prefix("https://") else { return Ok(None) };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let Some(host) = Host::parse(host).filter(|_| is_local_path(path)) else { return Ok(None) };
        let key = host.port.map_or(host.name.clone(), |port| format!("{}:{port}", host.name));
        let party = self.party(tenant, Protocol::Forward, &key).await?;
        Ok(party.map(|party| (party, path.to_owned())))
    }
}

fn handed(party: &RelyingParty, state: &str) -> String {
    format!("{}\n{}\n{state}", party.ikey(), party.key)
}

/// Where none are named, a proxy is on this very machine.
fn is_proxy(host: &ForwardHost, ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    if host.proxies.is_empty() {
        return ip.is_loopback();
    }
    host.proxies.iter().any(|network| match (network.parse::<IpNet>(), network.parse::<IpAddr>()) {
        (Ok(network), _) => network.contains(&ip),
        (_, Ok(one)) => one.to_canonical() == ip,
        _ => false,
    })
}

/// Whether anybody may see it. A path that another reader might understand otherwise is none.
fn is_public(host: &ForwardHost, uri: &str) -> bool {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let plain = !path.contains("..") && !path.contains("//") && !path.contains(['%', '\\', ';']);
    plain
        && host.public_paths.iter().any(|public| match public.strip_suffix('*') {
            Some(begin) => path.starts_with(begin),
            None => path == public,
        })
}

/// All headers that are set for the application, with a value or without.
fn told(host: &ForwardHost, attributes: &[crate::claims::Attribute]) -> Vec<(HeaderName, HeaderValue)> {
    let value = |rule: &crate::claims::ClaimRule| {
        let values = attributes.iter().find(|one| one.name == rule.name).map(|one| one.values.as_slice());
        let list = matches!(rule.value, Source::Groups(_) | Source::Aliases);
        let parts: Vec<String> = values.unwrap_or_default().iter().map(|value| plain(value, list)).collect();
        HeaderValue::from_str(&parts.join(",")).ok()
    };
    let rules = host.headers.0.iter();
    rules.filter_map(|rule| Some((HeaderName::from_bytes(rule.name.as_bytes()).ok()?, value(rule)?))).collect()
}

/// A text that can stand in a header and means one thing there: what isn't visible ASCII or a space is percent-encoded, as is `%` itself,
/// and in a list the comma.
fn plain(text: &str, in_list: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.trim().bytes() {
        let kept = (byte.is_ascii_graphic() || byte == b' ') && byte != b'%' && !(in_list && byte == b',');
        if kept {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    const WHOLE: [(&str, &str); 6] = [
        ("x-forwarded-host", "Wiki.Example:8443"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-uri", "/a?b=c"),
        ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
        ("x-forwarded-method", "GET"),
        ("accept", "text/html"),
    ];

    #[test]
    fn a_description_is_whole_or_nothing() {
        let read = Forwarded::read(&headers(&WHOLE)).unwrap();
        assert_eq!((read.key.as_str(), read.uri.as_str(), read.opens), ("wiki.example:8443", "/a?b=c", true));
        assert_eq!(read.client.to_string(), "192.0.2.7");
        // Each of them is needed, but for the method and what the browser takes.
        for at in 0..4 {
            let mut some = WHOLE.to_vec();
            let (name, value) = some.remove(at);
            assert!(Forwarded::read(&headers(&some)).is_err(), "without {name}");
            for garbage in ["", " ", "\u{e9}", "x y", "..", "%00", "unix:", &"x".repeat(9000)] {
                let mut with = some.clone();
                with.push((name, garbage));
                assert!(Forwarded::read(&headers(&with)).is_err(), "{name}: {garbage:.20}");
            }
            let mut twice = WHOLE.to_vec();
            twice.push((name, value));
            assert!(Forwarded::read(&headers(&twice)).is_err(), "{name} twice");
        }
        let mut script = WHOLE.to_vec();
        script.push(("sec-fetch-mode", "cors"));
        assert!(!Forwarded::read(&headers(&script)).unwrap().opens);
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        let of = |proxies: &[&str]| ForwardHost {
            proxies: proxies.iter().map(|one| (*one).to_owned()).collect(),
            ..ForwardHost::default()
        };
        let near = |host: &ForwardHost, ip: &str| is_proxy(host, ip.parse().unwrap());
        assert!(near(&of(&[]), "127.0.0.1") && near(&of(&[]), "::1") && !near(&of(&[]), "10.0.0.1"));
        let named = of(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
        assert!(near(&named, "10.1.2.3") && near(&named, "192.0.2.7") && near(&named, "::ffff:10.1.2.3"));
        assert!(near(&named, "2001:db8::1") && !near(&named, "127.0.0.1") && !near(&named, "192.0.2.8"));
        assert!(!near(&of(&["nonsense"]), "127.0.0.1"));
    }

    #[test]
    fn public_is_what_is_named_and_nothing_beside_it() {
        let host = ForwardHost {
            public_paths: ["/health", "/static/*"].map(str::to_owned).to_vec(),
            ..ForwardHost::default()
        };
        for public in ["/health", "/health?x=1", "/static/", "/static/a/b.css"] {
            assert!(is_public(&host, public), "{public}");
        }
        for closed in [
            "/",
            "/healthy",
            "/health/",
            "/Health",
            "/static",
            "/static/../admin",
            "/static/%2e%2e/admin",
            "/static//x",
            "/static/..;/admin",
            "/static/\\admin",
            "/admin?x=/static/",
            "",
        ] {
            assert!(!is_public(&host, closed), "{closed}");
        }
    }

    #[test]
    fn every_header_is_there_and_none_can_be_taken_for_two() {
        let host = ForwardHost::default();
        let attribute = |name: &str, values: &[&str]| crate::claims::Attribute {
            name: name.to_owned(),
            name_format: None,
            friendly_name: None,
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let told = told(
            &host,
            &[
                attribute("Remote-User", &["ana\r\nRemote-Groups: admins"]),
                attribute("Remote-Name", &["Zo\u{eb}, 100%"]),
                attribute("Remote-Groups", &["a,admins", "b"]),
            ],
        );
        let get = |name: &str| told.iter().find(|(known, _)| known == name).unwrap().1.to_str().unwrap();
        assert_eq!(told.len(), 4);
        assert_eq!(get("remote-user"), "ana%0D%0ARemote-Groups: admins");
        assert_eq!(get("remote-name"), "Zo%C3%AB, 100%25");
        assert_eq!((get("remote-groups"), get("remote-email")), ("a%2Cadmins,b", ""));
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_a_header(text in "\\PC{0,60}|[\\x00-\\x20]{0,10}", in_list: bool) {
            let plain = plain(&text, in_list);
            prop_assert!(HeaderValue::from_str(&plain).is_ok());
            prop_assert!(plain.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
        }

        #[test]
        fn no_headers_panic(host in "\\PC{0,30}", uri in "\\PC{0,30}", from in "\\PC{0,30}") {
            let mut map = HeaderMap::new();
            for (name, value) in [("x-forwarded-host", &host), ("x-forwarded-uri", &uri), ("x-forwarded-for", &from)] {
                if let Ok(value) = HeaderValue::from_str(value) {
                    map.insert(name, value);
                }
            }
            map.insert("x-forwarded-proto", HeaderValue::from_static("https"));
            let _ = Forwarded::read(&map);
        }
    }
}
