//! `/activate/{tenant}/{code}`: the link by which somebody enrols: a passkey in this browser, or an authenticator that reads the code.
//!
//! The code in the address is the whole proof, so the forms are bound to it, and showing the page spends nothing.

use super::{add::here, owner::Away, passkey};
use crate::session::bind_at;
use crate::{
    frame::{
        cookies,
        forms::{self, Posted},
        headers::Policy,
        page::Page,
        trouble::Trouble,
        visit::{Visit, json, redirect, with_cookie},
    },
    sign_in::qr,
};
use askama::Template;
use auth::{
    AuthError,
    account::{Enrolment, NewSession},
    sign_in::BROWSER_LIFE,
};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};
use serde_json::json;
use types::SecretString;

const SCOPE: &str = "/activate";
/// Longer than any watch word.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "account/activate.html")]
struct Activate {
    p: Page,
    token: String,
    base: String,
    username: String,
    takes_passkey: bool,
    takes_authenticator: bool,
    qr: Option<String>,
    here: String,
    watch: String,
    /// The sign-in that goes on afterwards; empty for none.
    back: String,
    /// Whether somebody said that the device is ready when it wasn't.
    waiting: bool,
}

/// A link that was opened at its own tenant's address.
async fn find(visit: &Visit, tenant: &str, code: &str) -> Result<Enrolment, Trouble> {
    if tenant != visit.tenant.id.to_string() {
        return Err(Trouble::LinkOver);
    }
    visit.web.auth.enrolment(visit.tenant.id, code).await.map_err(over)
}

fn over(error: AuthError) -> Trouble {
    if matches!(error, AuthError::Refused(_)) { Trouble::LinkOver } else { error.into() }
}

/// `GET /activate/{tenant}/{code}`.
pub(super) async fn show(visit: Visit, Path((tenant, code)): Path<(String, String)>) -> Result<Response, Away> {
    let enrolment = find(&visit, &tenant, &code).await?;
    Ok(page(&visit, &tenant, &code, &enrolment, false))
}

fn page(visit: &Visit, tenant: &str, code: &str, enrolment: &Enrolment, waiting: bool) -> Response {
    let base = format!("/activate/{tenant}/{code}");
    let name = if enrolment.realname.is_empty() { &enrolment.username } else { &enrolment.realname };
    let template = Activate {
        p: visit.page("activate-title").at(&base).script("forms.js").script("register.js").script("activate.js"),
        token: forms::token(code, SCOPE),
        username: name.clone(),
        takes_passkey: enrolment.takes_passkey(),
        takes_authenticator: enrolment.takes_authenticator,
        qr: qr::picture(enrolment.link.expose()),
        here: here(enrolment.link.expose()),
        watch: enrolment.watch.expose().to_owned(),
        back: visit.asked("sign-in").filter(|id| passkey::sign_in_page(id).is_ok()).unwrap_or_default().to_owned(),
        base,
        waiting,
    };
    visit.show(StatusCode::OK, &template, Policy::default())
}

/// What was sent, once it is known to come from the page of this code.
async fn posted(code: &str, request: Request<Body>) -> Result<Posted, Trouble> {
    let posted = Posted::read(request).await?;
    posted.check(code, SCOPE)?;
    Ok(posted)
}

/// `POST /activate/{tenant}/{code}/options`.
pub(super) async fn options(
    visit: Visit,
    Path((tenant, code)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Away> {
    posted(&code, request).await?;
    let enrolment = find(&visit, &tenant, &code).await?;
    if !enrolment.takes_passkey() {
        return Err(Trouble::Refused.into());
    }
    passkey::begin(&visit, &enrolment.permit()).await
}

/// `POST /activate/{tenant}/{code}/passkey`.
pub(super) async fn register(
    visit: Visit,
    Path((tenant, code)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Away> {
    let posted = posted(&code, request).await?;
    let enrolment = find(&visit, &tenant, &code).await?;
    if !enrolment.takes_passkey() {
        return Err(Trouble::Refused.into());
    }
    passkey::finish(&visit, &enrolment.permit(), &posted.body, |added| {
        let next = if added.session.is_some() && added.wants_second { "/account/add" } else { "/account/sign-in" };
        next.to_owned()
    })
    .await
}

/// `POST /activate/{tenant}/{code}/follow`: whether another device has used the code; then this page goes on.
pub(super) async fn follow(
    visit: Visit,
    Path((tenant, code)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Away> {
    let posted = posted(&code, request).await?;
    if tenant != visit.tenant.id.to_string() {
        return Err(Trouble::LinkOver.into());
    }
    let sent = Sent::read(&posted)?;
    let back = sent.back.as_deref().map(passkey::sign_in_page).transpose()?;
    let auth = &visit.web.auth;
    // Before the code is used, it says where to go on; afterwards it says nothing any more.
    if let Ok(enrolment) = auth.enrolment(visit.tenant.id, &code).await {
        return Ok(if visit.script {
            json(StatusCode::OK, &json!({ "state": "waiting" }))
        } else {
            page(&visit, &tenant, &code, &enrolment, true)
        });
    }
    let session = match auth.follow_enrolment(visit.tenant.id, &code, sent.watch.expose(), &visit.browser()).await {
        Ok(session) => session,
        // It was used by somebody else's page, or too long ago: signing in shows who may go on.
        Err(AuthError::Refused(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let otherwise = if session.is_some() { "/account/add" } else { "/account/sign-in" };
    let next = back.unwrap_or_else(|| otherwise.to_owned());
    let next = match &session {
        Some(session) => bind_at(&visit, session.id, &next).await?,
        None => next,
    };
    let response =
        if visit.script { json(StatusCode::OK, &json!({ "state": "done", "next": next })) } else { redirect(&next) };
    Ok(match session {
        Some(session) => signed_in(&visit, response, &session),
        None => response,
    })
}

/// What a page that waits for another device sends, as JSON or as a form.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    watch: String,
    back: Option<String>,
}

struct Sent {
    watch: SecretString,
    /// The sign-in that goes on afterwards.
    back: Option<String>,
}

impl Sent {
    fn read(posted: &Posted) -> Result<Self, Trouble> {
        let given = if posted.body.is_empty() {
            let back = posted.get("back")?.filter(|back| !back.is_empty()).map(str::to_owned);
            Given { watch: posted.need("watch", LONGEST)?.to_owned(), back }
        } else {
            serde_json::from_slice(&posted.body).map_err(|_| Trouble::Malformed)?
        };
        if given.watch.len() > LONGEST {
            return Err(Trouble::Malformed);
        }
        Ok(Self { watch: SecretString::new(given.watch), back: given.back })
    }
}

/// Gives the browser the cookies of a session that an enrolment has opened.
pub(super) fn signed_in(visit: &Visit, response: Response, session: &NewSession) -> Response {
    let life = visit.tenant.settings.session_life();
    let cookies = [
        visit.cookie(&visit.cookie_name(cookies::SESSION), session.cookie.expose(), life),
        visit.cookie(&visit.cookie_name(cookies::KNOWN), session.known.expose(), BROWSER_LIFE),
    ];
    cookies.into_iter().fold(response, with_cookie)
}
