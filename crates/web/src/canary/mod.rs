//! The canary: pages that take a code load beacons from a host that no page stands under, and browsers say with each of them under
//! which name they see the page. A copy that somebody passes on under another name gives itself away by that.
//!
//! What is sent by a browser can't be written by the page: `Origin` and `Sec-Fetch-Site` are forbidden request headers (Fetch, §2.2.2).
//! It detects and doesn't prevent: whoever runs the foreign page can take the beacons out, and ask for them as an honest browser does
//! (`docs/threat-model.md`). What follows from it is decided in `auth`.
//!
//! It never sets or reads a cookie, never writes down who asked, and answers whoever has no right address with nothing.
//!
//! To add a beacon: a variant of [`Kind`], its answer, and its place in the page (`Beacons::put`). To add a kit's mark: a line in
//! `kit.rs`.

mod kit;
mod sighting;

pub(crate) use kit::{look, mark_of};

use crate::{
    Web,
    frame::{host::Host, page::Page, trouble::Trouble},
};
use auth::sign_in::{Sighting, SignIn, SignInState};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sighting::{Page as Seen, neighbours, read};
use std::sync::Arc;
use types::{SignInId, TenantId};

/// Of so many sign-ins it is remembered what was seen last, so that a flood of beacons costs no look into the database.
const REMEMBERED: usize = 10_000;

/// The beacons of a sign-in's pages.
pub(crate) struct Beacons {
    /// The beacon host's origin.
    pub(crate) origin: String,
    /// Their addresses without what tells them apart.
    stem: String,
}

impl Beacons {
    /// Those of a sign-in; none where there is no canary, and where nothing is taken any more.
    pub(crate) async fn of(web: &Web, sign_in: &SignIn) -> Result<Option<Self>, Trouble> {
        let Some(host) = &web.options.beacon_host else { return Ok(None) };
        if sign_in.app().settings.canary == auth::settings::CanaryMode::Off || sign_in.state() != SignInState::Open {
            return Ok(None);
        }
        let scheme = if web.options.secure_origin { "https" } else { "http" };
        let (origin, tenant, id) = (format!("{scheme}://{host}"), sign_in.tenant(), sign_in.id());
        let tag = web.auth.beacon_tag(tenant, id).await?;
        Ok(Some(Self { stem: format!("{origin}/beacon/{tenant}/{id}/{tag}"), origin }))
    }

    /// Puts them into a page.
    pub(crate) fn put(&self, mut page: Page) -> Page {
        page.beacon_styles.push(format!("{}.css", self.stem));
        page.beacon_scripts.push(format!("{}.js", self.stem));
        page.script("canary.js")
    }
}

#[derive(Clone, Copy)]
enum Kind {
    /// A stylesheet, which comes also where script doesn't run.
    Css,
    /// A module.
    Js,
    /// A font that the stylesheet names: browsers ask for it with the page's origin even where somebody has taken that from the rest
    /// (CSS Fonts 4 §4.8.2).
    Font,
}

struct Remembered {
    web: Arc<Web>,
    /// The name of the beacon host.
    host: Option<String>,
    last: quick_cache::sync::Cache<SignInId, Sighting>,
}

/// The beacons' routes. They stand outside of the pages' layer: their host is no tenant's.
pub(crate) fn routes(web: &Arc<Web>) -> Router {
    let host = web.options.beacon_host.as_deref().and_then(Host::parse).map(|host| host.name);
    let last = quick_cache::sync::Cache::new(REMEMBERED);
    let state = Arc::new(Remembered { web: Arc::clone(web), host, last });
    Router::new().route("/beacon/{tenant}/{sign_in}/{file}", get(beacon)).with_state(state)
}

/// `GET /beacon/{tenant}/{sign-in}/{tag}.{kind}`.
async fn beacon(
    State(state): State<Arc<Remembered>>,
    Path((tenant, id, file)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let asked = (|| {
        let host = Host::of(request.uri(), request.headers())?;
        let (tag, kind) = file.split_once('.')?;
        let kind = match kind {
            "css" => Kind::Css,
            "js" => Kind::Js,
            "font" => Kind::Font,
            _ => return None,
        };
        let here = state.host.as_ref() == Some(&host.name);
        here.then_some((tenant.parse().ok()?, id.parse().ok()?, tag, kind))
    })();
    let answer = match asked {
        Some((tenant, id, tag, kind)) => take(&state, tenant, id, tag, kind, request.headers()).await,
        None => Ok(None),
    };
    answer.unwrap_or_else(|trouble| Some(bare(trouble.status()))).unwrap_or_else(|| bare(StatusCode::NOT_FOUND))
}

async fn take(
    state: &Remembered,
    tenant: TenantId,
    id: SignInId,
    tag: &str,
    kind: Kind,
    headers: &HeaderMap,
) -> Result<Option<Response>, Trouble> {
    let (web, auth) = (&state.web, &state.web.auth);
    if !auth.is_beacon(tenant, id, tag).await.unwrap_or(false) {
        return Ok(None);
    }
    let Some(row) = auth.store().tenant(tenant).row().await? else { return Ok(None) };
    let origin = web.public_origin(&row.api_host);
    let page =
        Seen { origin: &origin, neighbour: state.host.as_ref().is_some_and(|host| neighbours(&row.api_host, host)) };
    let (sighting, host) = read(headers, &page);
    // An alarm without a name is looked at again: the next beacon may have it.
    let certain = sighting == Sighting::Ok || !host.is_empty();
    if !certain || state.last.get(&id) != Some(sighting) {
        auth.mark_canary(tenant, id, sighting, &host).await?;
        if certain {
            state.last.insert(id, sighting);
        }
    }
    let mut response = match (kind, sighting) {
        (Kind::Css, Sighting::Ok) => with("text/css; charset=utf-8", String::new()),
        (Kind::Css, _) => with("text/css; charset=utf-8", font(tag)),
        (Kind::Js, _) => with("text/javascript; charset=utf-8", "export {};\n".to_owned()),
        (Kind::Font, _) => bare(StatusCode::NO_CONTENT),
    };
    // The page's own origin and no other: what a foreign page asked for has arrived here all the same.
    if let Ok(origin) = HeaderValue::from_str(&origin) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    Ok(Some(response))
}

/// A stylesheet that makes the browser ask for the font, where the page hasn't been seen under its own name.
fn font(tag: &str) -> String {
    format!(
        "@font-face{{font-family:b;src:url(\"{tag}.font\")}}\
         body::after{{content:\"a\";font-family:b;position:absolute;left:-9em;opacity:0}}\n"
    )
}

fn with(kind: &'static str, text: String) -> Response {
    let mut response = bare(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    *response.body_mut() = Body::from(text);
    response
}

fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "origin, sec-fetch-site"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"),
        // A copy of the page from which somebody has taken `crossorigin` gets the stylesheet too, and asks for its font.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
