//! `/account/recovery-codes`: ten new codes, shown this once.

use super::{
    add::Confirm,
    owner::{Away, Owner},
};
use crate::frame::{headers::Policy, page::Page, visit::Visit};
use askama::Template;
use auth::account::{Action, Needs};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

/// `GET /account/recovery-codes`.
pub(super) async fn ask(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    if owner.session.needs(Action::RecoveryCodes) == Needs::AnotherSignIn {
        return Err(Away::To("/account".to_owned()));
    }
    let ready = owner.permit(Action::RecoveryCodes).await?.is_some();
    let words = &owner.visit.words;
    let page = Confirm {
        p: owner.visit.page("codes-title").script("forms.js"),
        token: owner.token(),
        about: words.say("codes-about"),
        id: String::new(),
        step_up: if ready { "" } else { Action::RecoveryCodes.as_str() },
        action: "/account/recovery-codes",
        label: words.say(if ready { "codes-make" } else { "confirm-first" }),
        danger: false,
    };
    Ok(owner.visit.show(StatusCode::OK, &page, Policy::default()))
}

#[derive(Template)]
#[template(path = "account/codes.html")]
struct Codes {
    p: Page,
    codes: Vec<String>,
}

/// `POST /account/recovery-codes`.
pub(super) async fn make(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    owner.posted(request).await?;
    let Some(permit) = owner.permit(Action::RecoveryCodes).await? else {
        return Err(Away::To("/account/recovery-codes".to_owned()));
    };
    let visit = &owner.visit;
    let codes = visit.web.auth.make_recovery_codes(&permit, &visit.client()).await?;
    let page = Codes {
        p: visit.page("codes-made-title").at("/account/recovery-codes"),
        codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
    };
    Ok(visit.show(StatusCode::OK, &page, Policy::default()))
}
