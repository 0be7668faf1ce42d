//! `/account/remove`: one of the things is taken away for good, after a fresh sign-in.

use super::{
    add::Confirm,
    overview::{Thing, held},
    owner::{Away, Owner},
};
use crate::frame::{
    headers::Policy,
    page::Notice,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use auth::{AuthError, account::Action};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};

const LONGEST: usize = 64;

/// `GET /account/remove?id=…`.
pub(super) async fn ask(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let visit = &owner.visit;
    let id = visit.asked("id").ok_or(Trouble::Malformed)?.to_owned();
    let all = visit.web.auth.authenticators(&owner.session).await?;
    let things = Thing::all((all.passkeys, all.phones, all.tokens, all.providers));
    let thing = things.into_iter().find(|thing| thing.id == id).ok_or(Trouble::NotFound)?;
    let ready = owner.permit(Action::Remove).await?.is_some();
    let words = &visit.words;
    let page = Confirm {
        p: visit.page("remove-title").script("forms.js"),
        token: owner.token(),
        about: words.with("remove-about", "name", &thing.name),
        id,
        step_up: if ready { "" } else { Action::Remove.as_str() },
        action: "/account/remove",
        label: words.say(if ready { "remove-surely" } else { "confirm-first" }),
        danger: ready,
    };
    Ok(visit.show(StatusCode::OK, &page, Policy::default()))
}

/// `POST /account/remove`.
pub(super) async fn remove(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let id = posted.need("id", LONGEST)?;
    let what = held(id)?;
    let Some(permit) = owner.permit(Action::Remove).await? else {
        // The id has been read as one, so it fits into an address.
        return Err(Away::To(format!("/account/remove?id={id}")));
    };
    let visit = &owner.visit;
    match visit.web.auth.remove(&permit, &what, &visit.client()).await {
        Ok(_) => Ok(redirect("/account?done=removed")),
        Err(AuthError::Refused(_)) => {
            let next = ("/account/add".to_owned(), visit.words.say("add-another"));
            let text = visit.words.say("remove-last");
            let page = visit.page("remove-last-title").at("/account");
            let notice = Notice { p: page, tone: "bad", text, next: Some(next) };
            Ok(visit.show(StatusCode::FORBIDDEN, &notice, Policy::default()))
        }
        Err(error) => Err(error.into()),
    }
}
