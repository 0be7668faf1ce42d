//! Sign-ins that these pages open themselves: to a person's own pages, and for an act there that wants a fresh one.

use crate::frame::{
    cookies,
    trouble::Trouble,
    visit::{Visit, redirect, with_cookie},
};
use auth::sign_in::{Purpose, SIGN_IN_LIFE, cookie_name};
use axum::response::Response;

/// `GET /account/sign-in`: begins a sign-in to the person's own pages.
pub(super) async fn open(visit: Visit) -> Result<Response, Trouble> {
    begin(&visit, None, Purpose::Portal).await
}

/// Opens a sign-in at the portal, and leads there.
pub(crate) async fn begin(visit: &Visit, username: Option<&str>, purpose: Purpose) -> Result<Response, Trouble> {
    let auth = &visit.web.auth;
    let portal = auth.portal(visit.tenant.id).await?;
    let opened = auth.open_sign_in(&portal, username, purpose, &visit.browser()).await?;
    let secure = visit.web.options.secure_origin;
    let cookie = cookies::set(&cookie_name(opened.id, secure), opened.browser.expose(), SIGN_IN_LIFE, secure);
    Ok(with_cookie(redirect(&format!("/sign-in/{}", opened.id)), cookie))
}
