//! How a sign-in ends: remembered, done, given up, or with an enrolment first.

use super::{
    held::{Context, Held, TRUSTED_COOKIE},
    prompt,
};
use crate::frame::{
    cookies,
    page::{Notice, Page},
    trouble::Trouble,
    visit::{Visit, redirect, with_cookie},
};
use crate::session::bind_at;
use askama::Template;
use auth::account::GRANT_LIFE;
use auth::sign_in::{BROWSER_LIFE, Done, Purpose, SignInState, cookie_name};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};

/// Where an allowed sign-in goes on: past the question whether to remember this browser, where policy lets that be asked.
pub(super) async fn after(held: &Held) -> Result<String, Trouble> {
    let asks = match held.sign_in.purpose() {
        Purpose::Application { .. } if held.browser.trusted.is_none() => {
            held.visit.web.auth.choices(&held.sign_in, &held.browser).await?.remember.is_some()
        }
        _ => false,
    };
    Ok(held.path(if asks { "remember" } else { "done" }))
}

#[derive(Template)]
#[template(path = "sign_in/remember.html")]
struct Remember {
    p: Page,
    c: Context,
    about: String,
}

/// `GET /sign-in/{id}/remember`.
pub(super) async fn ask_to_remember(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    let held = Held::find(visit, &id).await?;
    if held.sign_in.state() != SignInState::Allowed {
        return Ok(redirect(&held.base));
    }
    let Some(length) = held.visit.web.auth.choices(&held.sign_in, &held.browser).await?.remember else {
        return Ok(redirect(&held.path("done")));
    };
    let hours = length.as_secs().div_ceil(3600);
    let words = &held.visit.words;
    let about = if hours >= 48 {
        words.count("remember-about", hours / 24)
    } else {
        words.count("remember-about-hours", hours)
    };
    let page = Remember { p: held.page("remember-title"), c: held.context(), about };
    Ok(held.visit.show(StatusCode::OK, &page, held.policy()))
}

/// `POST /sign-in/{id}/remember`.
pub(super) async fn remember(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    let posted = held.posted(request).await?;
    let onward = redirect(&held.path("done"));
    if posted.get("remember")? != Some("yes") {
        return Ok(onward);
    }
    let Some((token, length)) = held.visit.web.auth.remember(&held.sign_in).await? else { return Ok(onward) };
    let name = held.visit.cookie_name(&format!("{TRUSTED_COOKIE}{}", held.sign_in.app().ikey));
    Ok(with_cookie(onward, held.visit.cookie(&name, token.expose(), length)))
}

/// `GET /sign-in/{id}/done`: hands over what the sign-in gives, and leaves.
pub(super) async fn done(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    let held = Held::find(visit, &id).await?;
    let visit = &held.visit;
    let finished = visit.web.auth.finish_sign_in(&held.sign_in, &held.browser).await?;
    let mut cookies = Vec::new();
    if let Some(known) = finished.known {
        cookies.push(visit.cookie(&visit.cookie_name(cookies::KNOWN), known.expose(), BROWSER_LIFE));
    }
    let over = cookies::forget(
        &cookie_name(held.sign_in.id(), visit.web.options.secure_origin),
        visit.web.options.secure_origin,
    );
    let response = match finished.kind {
        // The page may be loaded again while the code lives, so its cookie stays.
        Done::Application { location } => redirect(&location),
        Done::Session { cookie, id, return_to } => {
            let life = visit.tenant.settings.session_life();
            cookies.push(visit.cookie(&visit.cookie_name(cookies::SESSION), cookie.expose(), life));
            cookies.push(over);
            redirect(&bind_at(visit, id, &return_to).await?)
        }
        Done::Grant { cookie, return_to } => {
            cookies.push(visit.cookie(&visit.cookie_name(cookies::GRANT), cookie.expose(), GRANT_LIFE));
            cookies.push(over);
            redirect(&return_to)
        }
    };
    Ok(cookies.into_iter().fold(response, with_cookie))
}

/// `POST /sign-in/{id}/cancel`: gives up. With `again`, a sign-in to one's own pages begins anew, for another name.
pub(super) async fn cancel(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    held.posted(request).await?;
    let back = held.visit.web.auth.cancel_sign_in(&held.sign_in).await?;
    let next = match (held.sign_in.purpose(), back) {
        (Purpose::Application { .. }, Some(back)) => {
            Some((back, held.visit.words.with("back-to", "app", &held.sign_in.app().name)))
        }
        (Purpose::StepUp { .. } | Purpose::SingleSignOn { .. }, Some(back)) => return Ok(redirect(&back)),
        _ => return Ok(redirect("/account/sign-in")),
    };
    let text = held.visit.words.say("cancelled");
    let page = Notice { p: held.page("cancelled-title").at(&held.base), tone: "plain", text, next };
    Ok(held.visit.show(StatusCode::OK, &page, held.policy()))
}

/// `POST /sign-in/{id}/other`: not this name, which an application has only guessed. The sign-in is given up, and another for the same
/// request asks who somebody is.
pub(super) async fn other(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    held.posted(request).await?;
    let (auth, purpose) = (&held.visit.web.auth, held.sign_in.purpose().clone());
    if !matches!(purpose, Purpose::SingleSignOn { .. }) || held.sign_in.state() != SignInState::Open {
        return Ok(redirect(&held.base));
    }
    auth.cancel_sign_in(&held.sign_in).await?;
    let opened = auth.open_sign_in(held.sign_in.app(), None, purpose, &held.visit.browser()).await?;
    let sso = held.visit.for_sso();
    Ok(with_cookie(redirect(&sso::Visit::sign_in_path(&opened)), sso.sign_in_cookie(&opened)))
}

/// `POST /sign-in/{id}/enroll`: leads to where the person sets up a way to sign in.
pub(super) async fn enroll(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    held.posted(request).await?;
    match held.visit.web.auth.enroll_here(&held.sign_in, &held.browser).await? {
        Some(code) => {
            let (tenant, id) = (held.visit.tenant.id, held.sign_in.id());
            Ok(redirect(&format!("/activate/{tenant}/{}?sign-in={id}", code.expose())))
        }
        None => prompt::page(&held, None).await,
    }
}
