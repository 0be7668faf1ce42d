//! `/account/add`: another way to sign in. A passkey is made by `passkey.rs`; an authenticator reads a code from the page.

use super::owner::{Away, Owner};
use crate::{
    frame::{headers::Policy, page::Page, visit::Visit},
    sign_in::qr,
};
use askama::Template;
use auth::account::{Action, Needs, Strength};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

#[derive(Template)]
#[template(path = "account/add.html")]
struct Add {
    p: Page,
    about: String,
    passkey: bool,
    authenticator: bool,
    /// Where somebody goes who adds nothing now.
    later: &'static str,
}

/// `GET /account/add`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    let may = |action| owner.session.needs(action) != Needs::AnotherSignIn;
    let words = &owner.visit.words;
    let about = match owner.session.strength() {
        Strength::Enrollment => words.say("add-second"),
        Strength::AccessPass => words.say("add-with-pass"),
        Strength::Recovery => words.say("add-after-recovery"),
        _ => words.say("add-about"),
    };
    let page = Add {
        p: owner.visit.page("add-title"),
        about,
        passkey: may(Action::AddPasskey),
        authenticator: may(Action::AddAuthenticator),
        later: if owner.session.strength().is_narrow() { "/account/sign-in" } else { "/account" },
    };
    Ok(owner.visit.show(StatusCode::OK, &page, Policy::default()))
}

/// What a page with a step-up in front of it shows.
#[derive(Template)]
#[template(path = "account/confirm.html")]
pub(super) struct Confirm {
    pub(super) p: Page,
    pub(super) token: String,
    pub(super) about: String,
    /// What is acted on, where that is one thing of several.
    pub(super) id: String,
    /// The word of the step-up; empty where the session may do it at once.
    pub(super) step_up: &'static str,
    /// Where the form leads when no step-up is needed.
    pub(super) action: &'static str,
    /// What the button says.
    pub(super) label: String,
    pub(super) danger: bool,
}

/// `GET /account/add/authenticator`.
pub(super) async fn show_authenticator(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    let ready = owner.permit(Action::AddAuthenticator).await?.is_some();
    let words = &owner.visit.words;
    let page = Confirm {
        p: owner.visit.page("add-authenticator-title").script("forms.js"),
        token: owner.token(),
        about: words.say("add-authenticator-about"),
        id: String::new(),
        step_up: if ready { "" } else { Action::AddAuthenticator.as_str() },
        action: "/account/add/authenticator",
        label: words.say(if ready { "add-authenticator-show" } else { "confirm-first" }),
        danger: false,
    };
    Ok(owner.visit.show(StatusCode::OK, &page, Policy::default()))
}

#[derive(Template)]
#[template(path = "account/authenticator.html")]
struct Code {
    p: Page,
    qr: Option<String>,
    link: String,
    /// Where this device itself becomes the authenticator.
    here: String,
    next: &'static str,
}

/// `POST /account/add/authenticator`: makes the code and shows it, this once.
pub(super) async fn authenticator(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    owner.posted(request).await?;
    let Some(permit) = owner.permit(Action::AddAuthenticator).await? else {
        return Err(Away::To("/account/add/authenticator".to_owned()));
    };
    let visit = &owner.visit;
    let made = visit.web.auth.begin_authenticator(&permit).await?;
    let page = Code {
        p: visit.page("add-authenticator-title").at("/account/add/authenticator"),
        qr: qr::picture(made.link.expose()),
        here: here(made.link.expose()),
        link: made.link.expose().to_owned(),
        next: if owner.session.strength().is_narrow() { "/account/sign-in" } else { "/account" },
    };
    Ok(visit.show(StatusCode::OK, &page, Policy::default()))
}

/// The authenticator's own address for an activation link: the code stands behind `#`, which no server is sent.
pub(super) fn here(link: &str) -> String {
    let mut parts = link.rsplit('/');
    let (code, tenant) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("/authenticator/#activate={tenant}.{code}")
}
