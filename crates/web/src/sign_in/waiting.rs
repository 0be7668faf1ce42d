//! A prompt on the authenticator, or a call: the digits to show, and the wait for what the person says.

use super::{
    end,
    held::{Context, Held},
    prompt, qr, said,
};
use crate::frame::{
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{DeviceId, Factor, sign_in::Step};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};
use std::time::Duration;

/// How often a browser without script looks, in seconds.
const LOOK: u32 = 4;

#[derive(Template)]
#[template(path = "sign_in/waiting.html")]
struct Waiting {
    p: Page,
    c: Context,
    /// `push` or `call`.
    kind: &'static str,
    /// In groups of three, as people read them out.
    groups: Vec<String>,
    /// One by one, for who listens.
    spoken: String,
    qr: Option<String>,
    /// Seconds.
    left: u64,
    life: u64,
}

/// `POST /sign-in/{id}/push`.
pub(super) async fn send_push(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    send(visit, &id, request, Factor::Push, "push").await
}

/// `POST /sign-in/{id}/call`.
pub(super) async fn send_call(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    send(visit, &id, request, Factor::Phone, "call").await
}

async fn send(visit: Visit, id: &str, request: Request<Body>, factor: Factor, page: &str) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, id).await?;
    let posted = held.posted(request).await?;
    let device = device(posted.get("device")?)?;
    match held.visit.web.auth.attempt(&held.sign_in, &held.browser, factor, device).await? {
        Step::Waiting { .. } | Step::Sent { .. } | Step::Proved => Ok(redirect(&held.path(page))),
        Step::Allowed => Ok(redirect(&end::after(&held).await?)),
        Step::Refused(outcome) => prompt::page(&held, Some(said::refusal(&held.visit.words, &outcome))).await,
    }
}

/// A device as forms name it.
pub(super) fn device(text: Option<&str>) -> Result<Option<DeviceId>, Trouble> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let phone = text.parse().map(DeviceId::Phone).ok();
    phone.or_else(|| text.parse().map(DeviceId::Token).ok()).map(Some).ok_or(Trouble::Malformed)
}

/// `GET /sign-in/{id}/push`.
pub(super) async fn show_push(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    show(visit, &id, "push").await
}

/// `GET /sign-in/{id}/call`.
pub(super) async fn show_call(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    show(visit, &id, "call").await
}

async fn show(visit: Visit, id: &str, kind: &'static str) -> Result<Response, Trouble> {
    let held = Held::find(visit, id).await?;
    let (attempt, code, expires) = match held.visit.web.auth.follow(&held.sign_in, Duration::ZERO).await? {
        Step::Waiting { attempt, code, expires, .. } => (attempt, code, expires),
        Step::Allowed => return Ok(redirect(&end::after(&held).await?)),
        Step::Sent { .. } | Step::Proved => return Ok(redirect(&held.path("sms"))),
        Step::Refused(outcome) => {
            return prompt::page(&held, Some(said::refusal(&held.visit.words, &outcome))).await;
        }
    };
    let now = held.visit.web.auth.world().now();
    let digits = code.as_ref().map(|code| code.expose().chars().collect::<Vec<_>>()).unwrap_or_default();
    let qr = code.as_ref().filter(|_| kind == "push").and_then(|code| {
        let uri = auth::approval_uri(held.visit.tenant.id, attempt, code);
        qr::picture(uri.expose())
    });
    let page = Waiting {
        p: held.page(if kind == "push" { "push-title" } else { "call-title" }).script("waiting.js").refreshed(LOOK),
        c: held.context(),
        kind,
        groups: digits.chunks(3).map(|group| group.iter().collect()).collect(),
        spoken: digits.iter().map(char::to_string).collect::<Vec<_>>().join(" "),
        qr,
        left: u64::try_from(expires - now.seconds()).unwrap_or(0),
        life: auth::ATTEMPT_LIFE.as_secs(),
    };
    Ok(held.visit.show(StatusCode::OK, &page, held.policy()))
}
