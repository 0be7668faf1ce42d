//! Pages between a sign-in and what comes after it: they bind a session to its browser, and prove that it is still that one.
//!
//! A person sees them for a moment, if at all. `/session/bind` follows a sign-in and makes the browser's key; `/session/prove` stands before
//! each page of a session and before each application, and signs. What is decided stands in [`auth::binding`].
//!
//! Where a browser has Device Bound Session Credentials, [`device`] answers what it asks by itself.

mod bind;
mod device;
mod prove;

use crate::{
    Web,
    frame::{
        cookies,
        forms::{self, Posted},
        headers::Policy,
        page::{Notice, Page},
        trouble::Trouble,
        visit::{Visit, redirect, with_cookie},
    },
};
use askama::Template;
use auth::{
    account::Session,
    binding::{Shown, Standing, is_return},
};
use axum::{
    Router,
    body::Body,
    response::Response,
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use std::sync::Arc;
use types::SecretString;

/// The cookie that a device's key renews, without its prefix.
pub(crate) use crate::frame::cookies::DEVICE;
/// Loads the next page (WHATWG HTML, "shared declarative refresh steps").
const REFRESH: HeaderName = HeaderName::from_static("refresh");
/// What the forms of these pages are for.
const SCOPE: &str = "/session";
/// Longer than any address that is proved for.
const LONGEST: usize = 2048;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/session/bind", get(bind::show).post(bind::bind))
        .route("/session/prove", get(prove::show).post(prove::prove))
        .route("/session/unbound", get(unbound))
        .route("/session/again", get(unbound).post(again))
        .route("/session/register", post(device::register))
        .route("/session/refresh", post(device::refresh))
}

/// Whether the session may be used for this request. What a page sends back is known by its token, not by a proof.
pub(crate) async fn standing(visit: &Visit, session: &Session) -> Result<Standing, Trouble> {
    let asks = matches!(visit.method, Method::GET | Method::HEAD);
    let shown = Shown {
        address: asks.then_some(visit.address.as_str()),
        origin: &visit.origin,
        ticket: visit.ticket.as_deref(),
        device: visit.cookies.get(&visit.cookie_name(DEVICE)),
    };
    Ok(visit.web.auth.standing(session, &shown).await?)
}

/// Whether a browser sends this by itself, whatever page brought it about.
pub(crate) fn is_browsers_own(path: &str) -> bool {
    matches!(path, "/session/register" | "/session/refresh")
}

/// Where a browser proves that it may open `return_to`.
pub(crate) fn prove_at(return_to: &str) -> String {
    address("/session/prove", &[("return_to", return_to)])
}

/// Where a browser goes after a sign-in: through its binding, where the tenant wants one, to `return_to`.
pub(crate) async fn bind_at(visit: &Visit, session: types::SessionId, return_to: &str) -> Result<String, Trouble> {
    if !is_return(return_to) {
        return Ok(return_to.to_owned());
    }
    let ticket = visit.web.auth.binding_ticket(visit.tenant.id, session).await?;
    Ok(address("/session/bind", &[("with", ticket.expose()), ("return_to", return_to)]))
}

fn address(path: &str, query: &[(&str, &str)]) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

/// A session whose browser isn't known yet to be the right one.
struct Bearer {
    visit: Visit,
    session: Session,
    cookie: SecretString,
}

impl Bearer {
    /// By the session's cookie; none where there is none that lives.
    async fn find(visit: Visit) -> Result<Result<Self, Visit>, Trouble> {
        let Some(cookie) = visit.cookies.get(&visit.cookie_name(cookies::SESSION)).map(str::to_owned) else {
            return Ok(Err(visit));
        };
        Ok(match visit.web.auth.session(visit.tenant.id, &cookie).await? {
            Some(session) => Ok(Self { visit, session, cookie: SecretString::new(cookie) }),
            None => Err(visit),
        })
    }

    /// What was sent, once it is known to come from one of these pages.
    async fn posted(&self, request: Request<Body>) -> Result<Posted, Trouble> {
        let posted = Posted::read(request).await?;
        posted.check(self.cookie.expose(), SCOPE)?;
        Ok(posted)
    }

    /// The page that its script acts on.
    fn page(&self, what: &'static str, mark: &str, return_to: &str) -> Response {
        let template = Moment {
            // In another language it is done again, for where somebody wants to go.
            p: self.visit.page("moment-title").at(return_to.split('?').next().unwrap_or("/")).script("session.js"),
            what,
            session: self.session.id().to_string(),
            mark: mark.to_owned(),
            return_to: return_to.to_owned(),
            token: forms::token(self.cookie.expose(), SCOPE),
        };
        self.visit.show(StatusCode::OK, &template, Policy::default())
    }
}

#[derive(Template)]
#[template(path = "session/moment.html")]
struct Moment {
    p: Page,
    /// `bind` or `prove`.
    what: &'static str,
    session: String,
    mark: String,
    return_to: String,
    token: String,
}

/// Goes on to `to` after a form, by a page of our own: browsers hold `form-action` against every redirect that follows a form, and an
/// application is of another origin.
pub(crate) fn onward(visit: &Visit, to: &str) -> Response {
    let next = Some((to.to_owned(), visit.words.say("continue")));
    let text = visit.words.say("moment-onward");
    let page = Notice { p: visit.page("moment-title").at("/account"), tone: "plain", text, next };
    going_on(visit.show(StatusCode::OK, &page, Policy::default()), to)
}

/// Has a page go on to `to` by itself.
pub(crate) fn going_on(mut response: Response, to: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("0;url={to}")) {
        response.headers_mut().insert(REFRESH, value);
    }
    response
}

/// Where a page wants to go on; an address of this host.
fn return_to(visit: &Visit) -> Result<String, Trouble> {
    let wanted = visit.asked("return_to").filter(|wanted| wanted.len() <= LONGEST && is_return(wanted));
    Ok(wanted.ok_or(Trouble::Malformed)?.to_owned())
}

#[derive(Template)]
#[template(path = "session/unbound.html")]
struct Unbound {
    p: Page,
}

/// `GET /session/unbound`: the organisation wants sessions that are bound, and this browser can't be.
async fn unbound(visit: Visit) -> Response {
    let page = Unbound { p: visit.page("unbound-title").at("/session/unbound") };
    visit.show(StatusCode::FORBIDDEN, &page, Policy::default())
}

/// `POST /session/again`: this browser gives its copy of the session up, and goes where it wanted, to sign in there. The session itself
/// goes on: whoever has lost the key may be a thief.
async fn again(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let posted = Posted::read(request).await?;
    let wanted = posted.need("return_to", LONGEST)?;
    if !is_return(wanted) {
        return Err(Trouble::Malformed);
    }
    let secure = visit.web.options.secure_origin;
    let gone = [cookies::SESSION, cookies::GRANT, DEVICE].map(|name| cookies::forget(&visit.cookie_name(name), secure));
    Ok(gone.into_iter().fold(redirect(wanted), with_cookie))
}
