//! The door for browsers: the sign-in prompt, enrolment, self-service and the installable authenticator.
//!
//! It writes pages and translates what they send back; every decision is made in `auth`. It keeps no session and no state between
//! requests but what makes it fast, loads nothing from anybody else, and works without script (passkeys excepted, which need it).
//! It never shows why something failed inside, never reads a forwarding header, never puts a text into a page that isn't escaped, and
//! never sends a browser anywhere but to a path of its own or to what the engine has checked.
//!
//! # How to add a page
//!
//! 1. **Texts** in `texts/en/…ftl` and `texts/fr/…ftl`, by the same keys (a test compares the languages, and looks for keys that are
//!    used and don't exist; no template and no script holds a text of its own).
//! 2. **A template** in `templates/`: `{% extends "layout.html" %}`, its content in `{% block main %}`, one `h1` with the page's title,
//!    `{{ p.say("help") }}` for a text. A form has `<input type="hidden" name="token" value="{{ token }}">`.
//! 3. **A handler** in the area's module, one file for one page, that takes a [`Visit`](frame::visit::Visit) (tenant, language,
//!    cookies, browser) and gives a `Result<Response, Trouble>`:
//!    ```ignore
//!    #[derive(Template)]
//!    #[template(path = "account/sessions.html")]
//!    struct Sessions { p: Page, token: String, sessions: Vec<Row> }
//!
//!    async fn sessions(visit: Visit) -> Result<Response, Trouble> {
//!        let page = visit.page("sessions-title").script("countdown.js").widened();
//!        Ok(visit.show(StatusCode::OK, &Sessions { p: page, token, sessions }, Policy::default()))
//!    }
//!    ```
//!    What comes back by POST is a `Posted` (`Posted::read(request).await?`), whose `check(secret, scope)` comes first: the token is
//!    `forms::token(secret, scope)`, where the secret is the cookie that the form acts by. Then `redirect(…)` to a page that a GET shows.
//! 4. **A route** in the area's `routes()`, merged in [`router`]. The layer around it has already found the tenant, refused what another
//!    site's page sent, and puts the headers on; a page that needs more than they allow says so by its `Policy`.
//! 5. **Script**, if any: an ES module in `assets/` with `// @ts-check`, that makes better what works without it, and takes its texts
//!    from `data-` attributes. A file that stands in `assets/` is served; nothing needs to name it.
//! 6. The address into the list of the tests in `tests/`, which walk every page: headers, languages, hostile texts, well-formed HTML.
//!
//! A page of another door is a variant of [`sso::Leaf`], a template in `templates/doors/` and an arm in `leaf.rs`.

mod account;
mod apps;
mod assets;
mod authenticator;
mod canary;
mod consent;
mod forward;
mod frame;
mod leaf;
mod session;
mod sign_in;
mod texts;
mod well_known;

pub use frame::{cookies, host};
pub use texts::TextsError;

use assets::Assets;
use auth::Auth;
use axum::{Router, middleware, routing::get};
use frame::{brand::Brand, visit::Tenant};
use sso::Sso;
use std::{path::PathBuf, sync::Arc};
use texts::Texts;

/// What the pages need to know of the server.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// The port under which browsers reach the server, for links and codes that leave the page.
    pub public_port: u16,
    /// The host, with a port where it isn't 443, that the canary's beacons are loaded from; none: there is no canary.
    pub beacon_host: Option<String>,
    /// Whether browsers come by https. Only a test and a demonstration on one machine say no.
    pub secure_origin: bool,
    /// A directory with catalogues of texts in other languages, or with other texts.
    pub texts_dir: Option<PathBuf>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self { public_port: 443, beacon_host: None, secure_origin: true, texts_dir: None }
    }
}

/// What all pages share.
pub(crate) struct Web {
    pub(crate) auth: Arc<Auth>,
    pub(crate) sso: Arc<Sso>,
    pub(crate) options: WebOptions,
    pub(crate) assets: Assets,
    pub(crate) texts: Texts,
    /// For pages of no tenant.
    pub(crate) no_brand: Arc<Brand>,
    /// By host name, for seconds.
    pub(crate) tenants: quick_cache::sync::Cache<String, Arc<Tenant>>,
    /// Streams about prompts.
    pub(crate) followers: Arc<sign_in::Followers>,
}

impl Web {
    /// `https://{host}` with the port that browsers come to: for links that leave the page.
    pub(crate) fn public_origin(&self, api_host: &str) -> String {
        let scheme = if self.options.secure_origin { "https" } else { "http" };
        match self.options.public_port {
            443 => format!("{scheme}://{api_host}"),
            port => format!("{scheme}://{api_host}:{port}"),
        }
    }
}

/// The pages, over single sign-on.
#[derive(Clone)]
pub struct Pages(Arc<Web>);

impl Pages {
    /// Reads the texts.
    ///
    /// # Errors
    /// When a catalogue of texts can't be used.
    pub fn new(sso: &Arc<Sso>, options: WebOptions) -> Result<Self, TextsError> {
        Ok(Self(Arc::new(Web {
            auth: Arc::clone(sso.auth()),
            sso: Arc::clone(sso),
            texts: Texts::read(options.texts_dir.as_deref())?,
            assets: Assets::new(),
            no_brand: Arc::new(Brand::new(&auth::Settings::default())),
            tenants: quick_cache::sync::Cache::new(10_000),
            followers: Arc::default(),
            options,
        })))
    }

    /// Every page's route.
    pub fn router(&self) -> Router {
        let web = Arc::clone(&self.0);
        let pages = Router::new()
            .route("/assets/{hash}/{*file}", get(assets::serve))
            .route("/brand/{hash}/{file}", get(frame::brand_file))
            .route("/.well-known/webauthn", get(well_known::webauthn))
            .route("/.well-known/passkey-endpoints", get(well_known::passkey_endpoints))
            .route("/.well-known/change-password", get(well_known::change_password))
            .merge(sign_in::routes())
            .merge(account::routes())
            .merge(session::routes())
            .merge(apps::routes())
            .merge(consent::routes())
            .merge(forward::routes())
            .merge(authenticator::routes());
        let beacons = canary::routes(&web);
        let around = middleware::from_fn_with_state(Arc::clone(&web), frame::around);
        let draw = middleware::from_fn_with_state(Arc::clone(&web), leaf::draw);
        pages.layer(around).layer(draw).with_state(web).merge(beacons)
    }

    /// The routes of other doors, whose pages ([`sso::Leaf`]) are drawn here.
    pub fn around(&self, doors: Router) -> Router {
        doors.layer(middleware::from_fn_with_state(Arc::clone(&self.0), leaf::draw))
    }
}

/// Whether a route's template is a page's, so that a browser waits for its answer.
#[must_use]
pub fn owns(route: &str) -> bool {
    const PAGES: [&str; 11] = [
        "/sign-in/",
        "/upstream/",
        "/session/",
        "/consent/",
        "/apps",
        "/forward-auth",
        "/account",
        "/activate/",
        "/undo/",
        "/authenticator/",
        "/brand/",
    ];
    PAGES.iter().any(|page| route.starts_with(page)) && !route.starts_with("/authenticator/v1/")
}

/// The answer where a page's handler gave none: it panicked, took too long, or (not `ours`) its request could not be taken in.
#[must_use]
pub fn answer_to_failure(ours: bool) -> axum::response::Response {
    // No tenant and no language is known here, and nothing that failed may be asked for them.
    let (status, text) = if ours {
        (http::StatusCode::SERVICE_UNAVAILABLE, "Something failed on our side. Wait a moment and reload the page.\n")
    } else {
        (http::StatusCode::BAD_REQUEST, "The request could not be read. Go back and try again.\n")
    };
    let mut response = axum::response::Response::new(axum::body::Body::from(text));
    *response.status_mut() = status;
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    frame::headers::apply(response.headers_mut(), &frame::headers::Policy::nothing());
    response
}
