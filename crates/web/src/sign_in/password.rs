//! A password, the first of two proofs.

use super::{
    end,
    held::{Context, Held},
    prompt, said,
};
use crate::frame::{
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{
    Factor, Verdict,
    sign_in::{SignInState, Step},
};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};
use types::SecretString;

/// As long as the engine takes, in bytes.
const LONGEST: usize = 1024;

#[derive(Template)]
#[template(path = "sign_in/password.html")]
struct Password {
    p: Page,
    c: Context,
    error: Option<String>,
}

/// `GET /sign-in/{id}/password`.
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    page(&Held::find(visit, &id).await?, None).await
}

async fn page(held: &Held, error: Option<String>) -> Result<Response, Trouble> {
    if held.sign_in.state() != SignInState::Open || held.sign_in.username().is_none() {
        return prompt::page(held, error).await;
    }
    let choices = held.visit.web.auth.choices(&held.sign_in, &held.browser).await?;
    if choices.verdict != Verdict::Challenge || !choices.password {
        return prompt::page(held, error).await;
    }
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = held.page("password-title").at(&held.path("password")).script("forms.js");
    Ok(held.visit.show(status, &Password { p: page, c: held.context(), error }, held.policy()))
}

/// `POST /sign-in/{id}/password`.
pub(super) async fn take(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    let posted = held.posted(request).await?;
    let password = posted.need("password", LONGEST)?;
    if password.is_empty() {
        return page(&held, Some(held.visit.words.say("password-empty"))).await;
    }
    let factor = Factor::Password(SecretString::new(password.to_owned()));
    match held.visit.web.auth.attempt(&held.sign_in, &held.browser, factor, None).await? {
        Step::Allowed => Ok(redirect(&end::after(&held).await?)),
        Step::Refused(outcome) => page(&held, Some(said::refusal(&held.visit.words, &outcome))).await,
        Step::Proved | Step::Waiting { .. } | Step::Sent { .. } => Ok(redirect(&held.base)),
    }
}
