//! One request of a browser to a door: at which tenant, from which browser, with which session.

use crate::{
    Sso, SsoError,
    cookies::{self, Cookies},
    host::Host,
};
use auth::{
    Client,
    sign_in::{Browser, Opened, SIGN_IN_LIFE, cookie_name},
};
use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use types::{Millis, SecretString, TenantId};

/// For how long a host's tenant is kept in memory.
const FRESH: Duration = Duration::from_secs(5);
/// Longer names of browsers are cut, in characters.
const LONGEST_AGENT: usize = 512;

/// A tenant as its host names it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Which.
    pub tenant: TenantId,
    /// Its host name, from its own row. Whatever leaves the house is made of this, never of what a request says.
    pub api_host: String,
    read: Millis,
}

/// A request of a browser, as a door has read it.
#[derive(Clone)]
pub struct Visit {
    /// At which tenant.
    pub tenant: TenantId,
    /// The tenant's host name, from its own row.
    pub api_host: String,
    /// `https://{api_host}`, with the port where it isn't 443: OpenID Connect's issuer, and the beginning of every address of ours.
    pub issuer: String,
    /// The `Host` header, checked: lower-case, without port. It has found the tenant and serves for nothing else.
    pub host: String,
    /// `scheme://host[:port]` of the page that the browser sees.
    pub origin: String,
    /// The browser, as the engine wants it.
    pub browser: Browser,
    /// The cookie of a session.
    pub session: Option<SecretString>,
    /// The cookie that its device's key renews.
    pub device: Option<String>,
    /// Path and query as they came, without the ticket of a proof.
    pub address: String,
    /// The ticket of a proof, from the address of a GET.
    pub ticket: Option<String>,
    /// Whether a page of ours, that was shown to this session's browser, sends this: its door has seen the page's token
    /// ([`auth::Auth::is_page_token`]).
    pub from_page: bool,
    /// All that the browser sent.
    pub cookies: Cookies,
    /// Whether browsers come by https.
    pub secure: bool,
}

impl Visit {
    /// The browser's address, where it is known.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        self.browser.client.ip
    }

    /// A cookie's whole name: under https, with the prefix that ties it to this host.
    #[must_use]
    pub fn cookie_name(&self, name: &str) -> String {
        format!("{}{name}", if self.secure { "__Host-" } else { "" })
    }

    /// A cookie to set, by its whole name.
    #[must_use]
    pub fn cookie(&self, name: &str, value: &str, life: Duration) -> Option<HeaderValue> {
        cookies::set(name, value, life, self.secure)
    }

    /// Takes a cookie back, by its whole name.
    #[must_use]
    pub fn forget(&self, name: &str) -> Option<HeaderValue> {
        cookies::forget(name, self.secure)
    }

    /// The cookie that holds a sign-in which was opened for this browser.
    #[must_use]
    pub fn sign_in_cookie(&self, opened: &Opened) -> Option<HeaderValue> {
        self.cookie(&cookie_name(opened.id, self.secure), opened.browser.expose(), SIGN_IN_LIFE)
    }

    /// The page of such a sign-in: a path on this host.
    #[must_use]
    pub fn sign_in_path(opened: &Opened) -> String {
        format!("/sign-in/{}", opened.id)
    }
}

impl Sso {
    /// Whose host a request names; none for a name that is nobody's.
    pub async fn place(&self, parts: &Parts) -> Result<Option<Arc<Place>>, SsoError> {
        match Host::of(&parts.uri, &parts.headers) {
            Some(host) => self.place_of(&host.name).await,
            None => Ok(None),
        }
    }

    async fn place_of(&self, name: &str) -> Result<Option<Arc<Place>>, SsoError> {
        let now = self.world().now();
        if let Some(kept) = self.places.get(name)
            && now.since(kept.read) < FRESH
        {
            return Ok(Some(kept));
        }
        let Some(tenant) = self.store().tenant_of_host(name).await? else { return Ok(None) };
        let Some(row) = self.store().tenant(tenant).row().await? else { return Ok(None) };
        let place = Arc::new(Place { tenant, api_host: row.api_host, read: now });
        self.places.insert(name.to_owned(), Arc::clone(&place));
        Ok(Some(place))
    }

    /// Reads a browser's request; none where its host is nobody's.
    pub async fn visit(&self, parts: &Parts) -> Result<Option<Visit>, SsoError> {
        let Some(host) = Host::of(&parts.uri, &parts.headers) else { return Ok(None) };
        let Some(place) = self.place_of(&host.name).await? else { return Ok(None) };
        let secure = self.options.secure_origin;
        let cookies = Cookies::read(&parts.headers);
        let kept = |name: &str| {
            let name = format!("{}{name}", if secure { "__Host-" } else { "" });
            cookies.get(&name).map(|value| SecretString::new(value.to_owned()))
        };
        let session = kept(cookies::SESSION);
        let whole = parts.uri.path_and_query().map_or("/", |whole| whole.as_str());
        let (address, ticket) = auth::binding::split_ticket(whole);
        // What a page of somebody else's posts here has proved nothing.
        let ticket = ticket.filter(|_| parts.method == Method::GET);
        let browser = Browser {
            client: Client {
                ip: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()),
                ..Client::default()
            },
            user_agent: agent(&parts.headers),
            known: kept(cookies::KNOWN),
            trusted: None,
            session: session.clone(),
            origin: host.origin(secure),
        };
        Ok(Some(Visit {
            tenant: place.tenant,
            issuer: self.issuer(&place.api_host),
            api_host: place.api_host.clone(),
            origin: browser.origin.clone(),
            host: host.name,
            device: cookies
                .get(&format!("{}{}", if secure { "__Host-" } else { "" }, cookies::DEVICE))
                .map(str::to_owned),
            address: address.to_owned(),
            ticket: ticket.map(str::to_owned),
            from_page: false,
            browser,
            session,
            cookies,
            secure,
        }))
    }

    /// The beginning of every address of a tenant, without a slash at its end: OpenID Connect's issuer.
    #[must_use]
    pub fn issuer(&self, api_host: &str) -> String {
        let scheme = if self.options.secure_origin { "https" } else { "http" };
        match self.options.public_port {
            // An installation may have written the port into the name.
            port if port != 443 && !api_host.contains(':') => format!("{scheme}://{api_host}:{port}"),
            _ => format!("{scheme}://{api_host}"),
        }
    }
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(LONGEST_AGENT).collect()
}
