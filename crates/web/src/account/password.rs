//! `/account/password`: another password, after a fresh sign-in.

use super::owner::{Away, Owner};
use crate::frame::{
    headers::Policy,
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{
    AuthError,
    account::{Action, LEAST_PASSWORD, Needs},
};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};
use types::SecretString;

/// As long as the engine takes, in bytes.
const LONGEST: usize = 1024;

#[derive(Template)]
#[template(path = "account/password.html")]
struct Password {
    p: Page,
    token: String,
    /// The action that needs a fresh sign-in first; empty where there was one.
    step_up: &'static str,
    username: String,
    least: u64,
    error: Option<String>,
}

/// `GET /account/password`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    if !owner.visit.web.auth.takes_passwords(owner.visit.tenant.id).await? {
        return Err(Trouble::NotFound.into());
    }
    if owner.session.needs(Action::Password) == Needs::AnotherSignIn {
        return Err(Away::To("/account".to_owned()));
    }
    page(&owner, None).await
}

async fn page(owner: &Owner, error: Option<String>) -> Result<Response, Away> {
    let ready = owner.permit(Action::Password).await?.is_some();
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Password {
        p: owner.visit.page("own-password-title").at("/account/password").script("forms.js"),
        token: owner.token(),
        step_up: if ready { "" } else { Action::Password.as_str() },
        username: owner.session.username().to_owned(),
        least: least(),
        error,
    };
    Ok(owner.visit.show(status, &page, Policy::default()))
}

fn least() -> u64 {
    u64::try_from(LEAST_PASSWORD).unwrap_or(u64::MAX)
}

/// `POST /account/password`.
pub(super) async fn change(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let auth = &owner.visit.web.auth;
    if !auth.takes_passwords(owner.visit.tenant.id).await? {
        return Err(Trouble::NotFound.into());
    }
    let password = SecretString::new(posted.need("password", LONGEST)?.to_owned());
    let Some(permit) = owner.permit(Action::Password).await? else {
        return Err(Away::To("/account/password".to_owned()));
    };
    match auth.change_password(&permit, &password, &owner.visit.client()).await {
        Ok(()) => Ok(redirect("/account?done=password")),
        Err(AuthError::Refused(why)) if why.contains("password") => {
            let key = if why.contains("guessed") { "own-password-guessed" } else { "own-password-length" };
            let text = owner.visit.words.count(key, least());
            page(&owner, Some(text)).await
        }
        Err(error) => Err(error.into()),
    }
}
