//! At which tenant a request arrived. The tenant is found by the `Host` header; every address that leaves here is made of the tenant's own
//! name in the store and never of what a request says.

use super::error::{Code, OAuthError};
use crate::Door;
use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, StatusCode, header, request::Parts};
use sso::Sso;
use std::sync::Arc;
use types::{Millis, TenantId};

/// A tenant's place, for the length of one request. Handlers take it as an argument.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) door: Arc<Door>,
    pub(crate) tenant: TenantId,
    /// The tenant's host name.
    pub(crate) api_host: String,
    /// The issuer: `https://` and the tenant's host name, with the port where it isn't 443. Without a slash at its end.
    pub(crate) issuer: String,
}

impl Place {
    /// The floor below.
    pub(crate) fn sso(&self) -> &Arc<Sso> {
        &self.door.sso
    }

    /// An address under the issuer.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Whether a page of this host sends a form: a page elsewhere can't say yes in the person's place. A browser says so in one of two ways, or in
    /// both.
    pub(crate) fn is_sender(&self, headers: &HeaderMap) -> bool {
        const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        let says = |name: HeaderName, right: &str| {
            let mut lines = headers.get_all(name).iter();
            match (lines.next(), lines.next()) {
                (None, _) => None,
                (Some(line), None) => Some(line.as_bytes() == right.as_bytes()),
                _ => Some(false),
            }
        };
        let (site, origin) = (says(SITE, "same-origin"), says(header::ORIGIN, &self.issuer));
        (site.is_some() || origin.is_some()) && site.unwrap_or(true) && origin.unwrap_or(true)
    }

    /// Now.
    pub(crate) fn now(&self) -> Millis {
        self.door.sso.auth().world().now()
    }
}

/// Around every route: finds the tenant, and puts the headers on.
pub(crate) async fn around(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match door.sso.place(&parts).await {
        Ok(Some(found)) => {
            let (tenant, api_host) = (found.tenant, found.api_host.clone());
            let issuer = door.sso.issuer(&api_host);
            parts.extensions.insert(Place { door, tenant, api_host, issuer });
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => OAuthError::ours(&error).json(),
    };
    super::headers::guard(response.headers_mut());
    response
}

impl<S: Sync> FromRequestParts<S> for Place {
    type Rejection = OAuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, OAuthError> {
        const NOWHERE: OAuthError = OAuthError::new(Code::ServerError, "");
        parts.extensions.get::<Self>().cloned().ok_or(NOWHERE)
    }
}

/// What a handler takes.
pub(crate) type Asked = http::Request<Body>;
