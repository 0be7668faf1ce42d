//! The frame around every page: host, tenant, language, cookies, forms, headers, errors.

pub(crate) mod brand;
pub(crate) mod color;
pub(crate) mod forms;
pub(crate) mod headers;
pub(crate) mod page;
pub(crate) mod trouble;
pub(crate) mod visit;

pub use sso::{cookies, host};

use crate::Web;
use axum::{
    body::Body,
    extract::State,
    middleware::Next,
    response::{IntoResponse, Response},
};
use headers::Policy;
use host::Host;
use http::Request;
use std::sync::Arc;
use trouble::Trouble;
use visit::{Tenant, Visit, nobodys, with_cookie};

/// Around every route: finds the tenant, refuses what a foreign page sends, puts the headers on, and words the errors.
pub(crate) async fn around(State(web): State<Arc<Web>>, request: Request<Body>, next: Next) -> Response {
    let mut response = answer(&web, request, next).await;
    let policy = response.extensions_mut().remove::<Policy>().unwrap_or_default();
    headers::apply(response.headers_mut(), &policy);
    response
}

async fn answer(web: &Arc<Web>, mut request: Request<Body>, next: Next) -> Response {
    let (uri, given) = (request.uri().clone(), request.headers().clone());
    // The files that pages load are everybody's, also on a page that says that the host is unknown.
    if uri.path().starts_with("/assets/") {
        return next.run(request).await;
    }
    let found = match Host::of(&uri, &given) {
        Some(host) => Tenant::of(web, &host).await.map(|tenant| tenant.map(|tenant| (host, tenant))),
        None => Ok(None),
    };
    let (host, tenant) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return nobodys(web, &uri, &given, &Trouble::UnknownHost),
        Err(trouble) => return nobodys(web, &uri, &given, &trouble),
    };
    let visit = Visit::new(web, &host, tenant, &request);
    // What a browser asks of its own accord names whatever page it was on; nothing but a device's signature counts there.
    // And what a provider has a browser bring says itself whose it is, and is looked at only with that one's cookie.
    let own = crate::session::is_browsers_own(uri.path()) || crate::sign_in::provider::is_brought(uri.path());
    if !own && let Err(trouble) = forms::same_origin(request.method(), &given, &visit.origin) {
        return visit.trouble(&trouble);
    }
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        response = visit.trouble(&trouble);
    }
    with_cookie(response, visit.language_cookie())
}

/// `GET /brand/{hash}/{file}`.
pub(crate) async fn brand_file(
    visit: Visit,
    axum::extract::Path((hash, file)): axum::extract::Path<(String, String)>,
    given: http::HeaderMap,
) -> Response {
    match visit.tenant.brand.file(&hash, &file, &given) {
        Some(mut response) => {
            response.extensions_mut().insert(Policy::nothing());
            response
        }
        None => Trouble::NotFound.into_response(),
    }
}
