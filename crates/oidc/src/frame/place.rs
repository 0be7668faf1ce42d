//! At which tenant a request arrived. The tenant is found by the `Host` header; every address that leaves here is made of the tenant's own
//! name in the store and never of what a request says.

use super::error::OAuthError;
use crate::{Door, Reach};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header, request::Parts};
use std::{sync::Arc, time::Duration};
use types::{Millis, TenantId};

/// How long the name of a tenant is kept in memory.
const FRESH: Duration = Duration::from_secs(5);

/// A tenant's place, for the length of one request. Handlers take it as an argument.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) door: Arc<Door>,
    pub(crate) reach: Reach,
    pub(crate) tenant: TenantId,
    /// The tenant's host name.
    pub(crate) api_host: Arc<str>,
    /// The issuer: `https://` and the tenant's host name, with the port where it isn't 443. Without a slash at its end.
    pub(crate) issuer: Arc<str>,
}

impl Place {
    /// An address under the issuer.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Now.
    pub(crate) fn now(&self) -> Millis {
        self.door.sso.auth().world().now()
    }
}

/// A tenant as it is kept.
pub(crate) struct Known {
    tenant: TenantId,
    api_host: Arc<str>,
    read: Millis,
}

/// What the router's layer is given.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) door: Arc<Door>,
    pub(crate) reach: Reach,
}

/// Around every route: finds the tenant, and puts the headers on.
pub(crate) async fn around(State(entry): State<Entry>, mut request: Request, next: Next) -> Response {
    let mut response = match find(&entry, request.uri(), request.headers()).await {
        Ok(Some(place)) => {
            request.extensions_mut().insert(place);
            next.run(request).await
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => error.json(),
    };
    super::headers::apply(response.headers_mut());
    response
}

async fn find(entry: &Entry, uri: &Uri, headers: &HeaderMap) -> Result<Option<Place>, OAuthError> {
    let Some(host) = host(uri, headers) else { return Ok(None) };
    let Some(known) = known(&entry.door, host).await? else { return Ok(None) };
    let issuer = entry.reach.origin(&known.api_host).into();
    let Entry { door, reach } = entry.clone();
    Ok(Some(Place { door, reach, tenant: known.tenant, api_host: Arc::clone(&known.api_host), issuer }))
}

async fn known(door: &Door, host: String) -> Result<Option<Arc<Known>>, OAuthError> {
    let now = door.sso.auth().world().now();
    if let Some(kept) = door.tenants.get(&host).filter(|kept| now.since(kept.read) < FRESH) {
        return Ok(Some(kept));
    }
    let store = door.sso.auth().store();
    let Some(tenant) = store.tenant_of_host(&host).await.map_err(|error| OAuthError::ours(&error))? else {
        return Ok(None);
    };
    let row = store.tenant(tenant).row().await.map_err(|error| OAuthError::ours(&error))?;
    let Some(row) = row else { return Ok(None) };
    let known = Arc::new(Known { tenant, api_host: row.api_host.into(), read: now });
    door.tenants.insert(host, Arc::clone(&known));
    Ok(Some(known))
}

/// The name under which the request came, without a port. None where there isn't exactly one, or the request's target names another.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(header::HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let host = name_of(line.to_str().ok()?)?;
    match uri.authority() {
        // RFC 9112 §3.2.2: a target in absolute form must say the same.
        Some(authority) if name_of(authority.as_str())? != host => None,
        _ => Some(host),
    }
}

fn name_of(text: &str) -> Option<String> {
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let plain = port.parse::<u16>().is_ok_and(|port| port > 0) && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (plain && text.len() <= 259 && name.split('.').all(is_label)).then_some(name)
}

impl<S: Sync> FromRequestParts<S> for Place {
    type Rejection = OAuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OAuthError> {
        const NOWHERE: OAuthError = OAuthError::new(super::error::Code::ServerError, "");
        parts.extensions.get::<Self>().cloned().ok_or(NOWHERE)
    }
}

/// What a handler takes.
pub(crate) type Asked = http::Request<Body>;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn there_is_one_host_and_no_forwarding_header_is_read() {
        let of = |target: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::HOST, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            headers.insert("x-forwarded-host", HeaderValue::from_static("evil.example"));
            headers.insert("forwarded", HeaderValue::from_static("host=evil.example"));
            host(&target.parse().unwrap(), &headers)
        };
        assert_eq!(of("/", &["Login.Example:8443"]).as_deref(), Some("login.example"));
        assert_eq!(of("https://a.example/", &["a.example."]).as_deref(), Some("a.example"));
        assert_eq!(of("https://evil.example/", &["a.example"]), None);
        assert_eq!(of("/", &["a.example", "evil.example"]), None);
        for wrong in
            ["", ":1", "a.example:", "a.example:0", "a.example:+1", "a..b", "u@a.example", "[::1]", "a.example/x"]
        {
            assert_eq!(of("/", &[wrong]), None, "{wrong}");
        }
    }
}
