//! `GET /account/sign-in`: begins a sign-in to the person's own pages.

use super::held::KNOWN_COOKIE;
use crate::frame::{
    cookies,
    trouble::Trouble,
    visit::{Visit, redirect, with_cookie},
};
use auth::sign_in::{Browser, Purpose, SIGN_IN_LIFE, cookie_name};
use axum::response::Response;
use types::SecretString;

pub(super) async fn open(visit: Visit) -> Result<Response, Trouble> {
    let auth = &visit.web.auth;
    let portal = auth.portal(visit.tenant.id).await?;
    let known = visit.cookies.get(&visit.cookie_name(KNOWN_COOKIE));
    let browser = Browser {
        client: visit.client(),
        user_agent: visit.user_agent.clone(),
        known: known.map(|value| SecretString::new(value.to_owned())),
        trusted: None,
        origin: visit.origin.clone(),
    };
    let opened = auth.open_sign_in(&portal, None, Purpose::Portal, &browser).await?;
    let secure = visit.web.options.secure_origin;
    let cookie = cookies::set(&cookie_name(opened.id, secure), opened.browser.expose(), SIGN_IN_LIFE, secure);
    Ok(with_cookie(redirect(&format!("/sign-in/{}", opened.id)), cookie))
}
