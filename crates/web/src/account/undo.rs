//! `/undo/{code}`: the link of a notice. It shows what was added; a button takes it back, because links are followed by programs too.

use super::{overview::change_key, owner::Away, when::When};
use crate::frame::{
    forms::{self, Posted},
    headers::Policy,
    page::{Notice, Page},
    trouble::Trouble,
    visit::Visit,
};
use askama::Template;
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};

const SCOPE: &str = "/undo";

#[derive(Template)]
#[template(path = "account/undo.html")]
struct Undo {
    p: Page,
    token: String,
    code: String,
    kind: &'static str,
    label: String,
    at: When,
    until: When,
}

/// `GET /undo/{code}`.
pub(super) async fn ask(visit: Visit, Path(code): Path<String>) -> Result<Response, Away> {
    let change = visit.web.auth.change(visit.tenant.id, &code).await.map_err(over)?;
    if change.undone_at.is_some() {
        return Ok(said(&visit, "undo-undone-title", "undo-undone"));
    }
    let page = Undo {
        p: visit.page("undo-title").script("forms.js").script("times.js"),
        token: forms::token(&code, SCOPE),
        kind: change_key(change.kind),
        label: change.label,
        at: When::of(change.made_at),
        until: When::of(change.undo_until),
        code,
    };
    Ok(visit.show(StatusCode::OK, &page, Policy::default()))
}

/// What the engine refuses of a link is a link that is over.
fn over(error: auth::AuthError) -> Trouble {
    if matches!(error, auth::AuthError::Refused(_)) { Trouble::LinkOver } else { error.into() }
}

/// `POST /undo/{code}`: `do` is `undo` or `report`.
pub(super) async fn act(visit: Visit, Path(code): Path<String>, request: Request<Body>) -> Result<Response, Away> {
    let posted = Posted::read(request).await?;
    posted.check(&code, SCOPE)?;
    let (auth, tenant, client) = (&visit.web.auth, visit.tenant.id, visit.client());
    let (title, text) = match posted.need("do", 16)? {
        "undo" => {
            auth.undo(tenant, &code, &client).await.map_err(over)?;
            ("undo-undone-title", "undo-undone")
        }
        "report" => {
            auth.report_by_link(tenant, &code, &client).await.map_err(over)?;
            ("undo-reported-title", "undo-reported")
        }
        _ => return Err(Trouble::Malformed.into()),
    };
    Ok(said(&visit, title, text))
}

fn said(visit: &Visit, title: &'static str, text: &str) -> Response {
    let words = &visit.words;
    let notice = Notice {
        p: visit.page(title).at("/account"),
        tone: "good",
        text: words.say(text),
        next: Some(("/account".to_owned(), words.say("to-account"))),
    };
    visit.show(StatusCode::OK, &notice, Policy::default())
}
