//! One request to a page: at which tenant, from which browser, in which language. And how it is answered.

use super::{
    brand::Brand,
    cookies::{self, Cookies},
    headers::Policy,
    host::Host,
    page::{Notice, Page},
    trouble::Trouble,
};
use crate::{
    Web,
    texts::{Words, accepted},
};
use askama::Template;
use auth::{Client, Settings, sign_in::Browser};
use axum::{
    body::Body,
    extract::{ConnectInfo, FromRequestParts},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, request::Parts};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use types::{Millis, SecretString, TenantId};

/// The cookie with the language that somebody chose.
const LANGUAGE_COOKIE: &str = "countersign-lang";
/// How long the choice lasts.
const LANGUAGE_LIFE: Duration = Duration::from_secs(400 * 86_400);
/// How long a tenant's look is kept in memory.
const FRESH: Duration = Duration::from_secs(5);
/// Longer names of browsers are cut.
const LONGEST_AGENT: usize = 512;

/// What the pages of a tenant need of it.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    /// Its name in the world; links in messages and codes are made of this, never of what a request says.
    pub(crate) api_host: String,
    pub(crate) brand: Arc<Brand>,
    pub(crate) settings: Settings,
    read: Millis,
}

impl Tenant {
    /// By the host name of a request; none for a name that is nobody's.
    pub(crate) async fn of(web: &Web, host: &Host) -> Result<Option<Arc<Self>>, Trouble> {
        let now = web.auth.world().now();
        if let Some(kept) = web.tenants.get(&host.name)
            && now.since(kept.read) < FRESH
        {
            return Ok(Some(kept));
        }
        let store = web.auth.store();
        let Some(id) = store.tenant_of_host(&host.name).await? else { return Ok(None) };
        let Some(row) = store.tenant(id).row().await? else { return Ok(None) };
        let settings = Settings::parse(&row.settings).map_err(|_| auth::AuthError::Damaged("settings"))?;
        let brand = Arc::new(Brand::new(&settings));
        let tenant = Arc::new(Self { id, api_host: row.api_host, brand, settings, read: now });
        web.tenants.insert(host.name.clone(), Arc::clone(&tenant));
        Ok(Some(tenant))
    }
}

/// A request to a page, as the layer has read it. Handlers take it as an argument.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) web: Arc<Web>,
    pub(crate) tenant: Arc<Tenant>,
    /// `scheme://host[:port]` of this page.
    pub(crate) origin: String,
    /// The name under which the browser came.
    pub(crate) host: String,
    pub(crate) words: Words,
    pub(crate) cookies: Cookies,
    /// The path of the request, without a query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Path and query as they came, without the ticket of a proof.
    pub(crate) address: String,
    /// The ticket of a proof, from the address.
    pub(crate) ticket: Option<String>,
    pub(crate) method: Method,
    pub(crate) ip: Option<std::net::IpAddr>,
    pub(crate) user_agent: String,
    /// Whether a script asks, which wants JSON.
    pub(crate) script: bool,
    /// Set where the address chose a language: it is remembered.
    pub(crate) new_language: Option<String>,
    /// The foreign host, where a phishing kit has passed the request on and left its mark.
    pub(crate) kit: Option<String>,
}

impl std::ops::Deref for Visit {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The language of a request: what the address says, what was chosen before, what the browser wants, what the tenant speaks.
pub(crate) fn language(web: &Web, uri: &Uri, headers: &HeaderMap, tenant: Option<&Tenant>) -> (Words, Option<String>) {
    let asked = query(uri).into_iter().find(|(name, _)| name == "lang").map(|(_, value)| value);
    let asked = asked.and_then(|tag| web.texts.find(&tag).map(|found| found.tag.clone()));
    let cookies = Cookies::read(headers);
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let order = asked
        .as_deref()
        .into_iter()
        .chain(cookies.get(LANGUAGE_COOKIE))
        .chain(accepted(wanted))
        .chain(tenant.map(|tenant| tenant.brand.language.as_str()));
    (web.texts.choose(order), asked)
}

fn query(uri: &Uri) -> Vec<(String, String)> {
    let text = uri.query().unwrap_or_default();
    form_urlencoded::parse(text.as_bytes()).take(20).map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}

/// Whether a script asks: it says that it takes or sends JSON.
pub(crate) fn is_script(headers: &HeaderMap) -> bool {
    let json = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"))
    };
    json(header::ACCEPT) || json(header::CONTENT_TYPE)
}

impl Visit {
    pub(crate) fn new(web: &Arc<Web>, host: &Host, tenant: Arc<Tenant>, request: &Request<Body>) -> Self {
        let headers = request.headers();
        let (words, new_language) = language(web, request.uri(), headers, Some(&tenant));
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        let (address, ticket) = auth::binding::split_ticket(whole);
        Self(Arc::new(Inner {
            origin: host.origin(web.options.secure_origin),
            host: host.name.clone(),
            tenant,
            words,
            cookies: Cookies::read(headers),
            path: request.uri().path().to_owned(),
            address: address.to_owned(),
            ticket: ticket.map(str::to_owned),
            method: request.method().clone(),
            query: query(request.uri()),
            ip: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()),
            user_agent: agent.chars().take(LONGEST_AGENT).collect(),
            script: is_script(headers),
            new_language,
            kit: crate::canary::mark_of(headers),
            web: Arc::clone(web),
        }))
    }

    /// Where the request comes from, as the engine wants it.
    pub(crate) fn client(&self) -> Client {
        Client { ip: self.ip, ..Client::default() }
    }

    /// The browser, as the engine wants it. By which cookie an application remembers it, only a sign-in there knows.
    pub(crate) fn browser(&self) -> Browser {
        let known = self.cookies.get(&self.cookie_name(cookies::KNOWN));
        Browser {
            client: self.client(),
            user_agent: self.user_agent.clone(),
            known: known.map(|value| SecretString::new(value.to_owned())),
            trusted: None,
            session: self
                .cookies
                .get(&self.cookie_name(cookies::SESSION))
                .map(|value| SecretString::new(value.to_owned())),
            origin: self.origin.clone(),
        }
    }

    /// The same request, as single sign-on wants it.
    pub(crate) fn for_sso(&self) -> sso::Visit {
        let kept = |name: &str| self.cookies.get(&self.cookie_name(name)).map(str::to_owned);
        sso::Visit {
            tenant: self.tenant.id,
            api_host: self.tenant.api_host.clone(),
            issuer: self.web.public_origin(&self.tenant.api_host),
            host: self.host.clone(),
            origin: self.origin.clone(),
            browser: self.browser(),
            session: kept(cookies::SESSION).map(SecretString::new),
            device: kept(cookies::DEVICE),
            address: self.address.clone(),
            ticket: self.ticket.clone(),
            from_page: false,
            cookies: self.cookies.clone(),
            secure: self.web.options.secure_origin,
        }
    }

    /// A value of the address's query; none where it comes twice.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// What every template needs. `title` is the key of the page's title.
    pub(crate) fn page(&self, title: &str) -> Page {
        Page::new(&self.web, self.words.clone(), &self.tenant.brand, self.words.say(title), &self.path)
    }

    /// A page.
    pub(crate) fn show(&self, status: StatusCode, template: &impl Template, policy: Policy) -> Response {
        render(status, template, policy)
    }

    /// An error: as a page, or as JSON where a script asks.
    pub(crate) fn trouble(&self, trouble: &Trouble) -> Response {
        if self.script {
            return with_wait(script_trouble(&self.words, trouble), trouble);
        }
        let page = self.page(&format!("{}-title", trouble.key()));
        let text = said(&self.words, trouble);
        with_wait(render(trouble.status(), &Notice::bad(page, text), Policy::default()), trouble)
    }

    /// A cookie's whole name: under https, with the prefix that ties it to this host.
    pub(crate) fn cookie_name(&self, name: &str) -> String {
        format!("{}{name}", if self.web.options.secure_origin { "__Host-" } else { "" })
    }

    /// A cookie to set.
    pub(crate) fn cookie(&self, name: &str, value: &str, life: Duration) -> Option<HeaderValue> {
        cookies::set(name, value, life, self.web.options.secure_origin)
    }

    /// The cookie that remembers a language which the address chose.
    pub(crate) fn language_cookie(&self) -> Option<HeaderValue> {
        language_cookie(&self.web, self.new_language.as_deref())
    }
}

/// The cookie that remembers a language, where one was chosen.
pub(crate) fn language_cookie(web: &Web, chosen: Option<&str>) -> Option<HeaderValue> {
    cookies::set(LANGUAGE_COOKIE, chosen?, LANGUAGE_LIFE, web.options.secure_origin)
}

/// An error's text.
pub(crate) fn said(words: &Words, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Limited(wait) => words.count(trouble.key(), wait.as_secs().max(1)),
        _ => words.say(trouble.key()),
    }
}

/// When to come again, where that is known (RFC 9110 §10.2.3).
fn with_wait(mut response: Response, trouble: &Trouble) -> Response {
    if let Trouble::Limited(wait) = trouble {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

fn script_trouble(words: &Words, trouble: &Trouble) -> Response {
    json(trouble.status(), &serde_json::json!({ "error": said(words, trouble), "kind": trouble.key() }))
}

/// JSON for a script of ours.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error where no tenant is known.
pub(crate) fn nobodys(web: &Web, uri: &Uri, headers: &HeaderMap, trouble: &Trouble) -> Response {
    let (words, _) = language(web, uri, headers, None);
    if is_script(headers) {
        return script_trouble(&words, trouble);
    }
    let title = words.say(&format!("{}-title", trouble.key()));
    let text = said(&words, trouble);
    let page = Page::new(web, words, &web.no_brand, title, uri.path());
    render(trouble.status(), &Notice::bad(page, text), Policy::default())
}

/// Writes a page.
pub(crate) fn render(status: StatusCode, template: &impl Template, policy: Policy) -> Response {
    let text = match template.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page can't be written");
            String::new()
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.extensions_mut().insert(policy);
    response
}

/// Sends the browser on to `location` by GET. It must be a path of ours, or an address that the engine has checked.
pub(crate) fn redirect(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    match HeaderValue::from_str(location) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(_) => {
            *response.status_mut() = Trouble::Ours.status();
            response.extensions_mut().insert(Trouble::Ours);
        }
    }
    response
}

/// Adds a cookie to an answer.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

impl FromRequestParts<Arc<Web>> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Web>) -> Result<Self, Trouble> {
        parts.extensions.get::<Self>().cloned().ok_or(Trouble::Ours)
    }
}
