//! `/account/report`: "that wasn't me".

use super::{
    add::Confirm,
    owner::{Away, Owner},
};
use crate::frame::{
    headers::Policy,
    visit::{Visit, redirect},
};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

/// `GET /account/report`.
pub(super) async fn ask(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let words = &owner.visit.words;
    let page = Confirm {
        p: owner.visit.page("report-title").script("forms.js"),
        token: owner.token(),
        about: words.say("report-about"),
        id: String::new(),
        step_up: "",
        action: "/account/report",
        label: words.say("report-surely"),
        danger: true,
    };
    Ok(owner.visit.show(StatusCode::OK, &page, Policy::default()))
}

/// `POST /account/report`.
pub(super) async fn report(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    owner.posted(request).await?;
    owner.visit.web.auth.report(&owner.session, &owner.visit.client()).await?;
    Ok(redirect("/account?done=reported"))
}
