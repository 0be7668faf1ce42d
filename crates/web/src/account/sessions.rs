//! `/account/sessions`: the browsers in which somebody is signed in to these pages.

use super::{
    owner::{Away, Owner},
    when::When,
};
use crate::frame::{
    headers::Policy,
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{account::Strength, sign_in::Agent};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

struct Row {
    id: String,
    current: bool,
    browser: String,
    ip: String,
    strength: &'static str,
    created: When,
    last_seen: When,
    bound: bool,
    /// The applications that it is signed in to.
    apps: Vec<String>,
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct Sessions {
    p: Page,
    token: String,
    sessions: Vec<Row>,
}

/// `GET /account/sessions`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let visit = &owner.visit;
    let (tenant, user) = (owner.session.tenant(), owner.session.user());
    let opened = visit.web.sso.participants_of_user(tenant, user).await?;
    let apps = |id| opened.iter().filter(|one| one.session == id).map(|one| one.party.app.name.clone()).collect();
    let sessions = visit.web.auth.sessions(&owner.session).await?.into_iter().map(|session| Row {
        apps: apps(session.id),
        bound: session.bound,
        id: session.id.to_string(),
        current: session.current,
        browser: browser(&session.user_agent),
        ip: session.ip,
        strength: strength_key(session.strength),
        created: When::of(session.created),
        last_seen: When::of(session.last_seen),
    });
    let page = visit.page("sessions-title").script("forms.js").script("times.js").widened();
    let template = Sessions { sessions: sessions.collect(), p: page, token: owner.token() };
    Ok(visit.show(StatusCode::OK, &template, Policy::default()))
}

/// How a session was opened, as the key of its text.
const fn strength_key(strength: Strength) -> &'static str {
    match strength {
        Strength::Passkey => "strength-passkey",
        Strength::Push => "strength-push",
        Strength::Otp => "strength-otp",
        Strength::Sms => "strength-sms",
        Strength::Provider => "strength-provider",
        Strength::Bypass => "strength-bypass",
        Strength::Enrollment => "strength-enrollment",
        Strength::Recovery => "strength-recovery",
        Strength::AccessPass => "strength-access_pass",
    }
}

/// A browser and its system, by the browser's own words.
fn browser(user_agent: &str) -> String {
    let read = Agent::read(user_agent);
    let known = [read.browser, read.system].into_iter().filter(|name| !name.is_empty());
    known.collect::<Vec<_>>().join(" · ")
}

/// `POST /account/sessions`: ends one (`id`), or all others (`others`). The end of this one is a sign-out.
pub(super) async fn end(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let auth = &owner.visit.web.auth;
    if posted.get("others")?.is_some() {
        auth.end_other_sessions(&owner.session).await?;
    } else {
        let id = posted.need("id", 64)?.parse().map_err(|_| Trouble::Malformed)?;
        if id == owner.session.id() {
            return goodbye(&owner).await;
        }
        auth.end_session(&owner.session, id).await?;
    }
    Ok(redirect("/account/sessions"))
}

/// `POST /account/sign-out`: here, and at every application that was opened from here.
pub(super) async fn sign_out(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::find(visit).await?;
    owner.posted(request).await?;
    goodbye(&owner).await
}

/// Ends this session. Those applications that can only be told through the browser are told on its way back to the sign-in.
async fn goodbye(owner: &Owner) -> Result<Response, Away> {
    const HOME: &str = "/account/sign-in";
    let (sso, session, visit) = (&owner.visit.web.sso, &owner.session, owner.visit.for_sso());
    let ended = sso.end_session(session.tenant(), session.id(), session.user(), None).await?;
    Ok(sso.goodbye(&visit, &ended, Some(HOME), HOME).await?.answer(&visit))
}
