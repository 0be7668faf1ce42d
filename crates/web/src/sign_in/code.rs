//! Codes that are typed: a passcode, the code of a message, a recovery code or access pass.

use super::{
    end,
    held::{Context, Held},
    prompt, said,
    waiting::device,
};
use crate::frame::{
    page::Page,
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{
    Factor, Verdict,
    sign_in::{Choices, SignInState, Step},
};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};
use types::SecretString;

/// Longer than any code; one of a YubiKey has 44.
const LONGEST: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passcode,
    Sms,
    Recovery,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Passcode => "passcode",
            Self::Sms => "sms",
            Self::Recovery => "recovery",
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in/code.html")]
struct Code {
    p: Page,
    c: Context,
    kind: &'static str,
    about: String,
    error: Option<String>,
    /// Seconds until another message may be asked for.
    wait: u64,
    /// The message's device, to send another to.
    device: String,
}

/// `GET /sign-in/{id}/passcode`.
pub(super) async fn show_passcode(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    show(&Held::find(visit, &id).await?, Kind::Passcode, None).await
}

/// `GET /sign-in/{id}/sms`.
pub(super) async fn show_sms(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    show(&Held::find(visit, &id).await?, Kind::Sms, None).await
}

/// `GET /sign-in/{id}/recovery`.
pub(super) async fn show_recovery(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    show(&Held::find(visit, &id).await?, Kind::Recovery, None).await
}

async fn show(held: &Held, kind: Kind, error: Option<String>) -> Result<Response, Trouble> {
    if held.sign_in.state() != SignInState::Open {
        return prompt::page(held, None).await;
    }
    let choices = held.visit.web.auth.choices(&held.sign_in, &held.browser).await?;
    let offered = match kind {
        Kind::Passcode => choices.passcode,
        // The code of a message is typed as a passcode.
        Kind::Sms => choices.sms && choices.passcode,
        Kind::Recovery => choices.recovery,
    };
    if choices.verdict != Verdict::Challenge || !offered {
        return prompt::page(held, error).await;
    }
    let words = &held.visit.words;
    let about = match kind {
        Kind::Passcode => words.say("passcode-about"),
        Kind::Sms if held.is_portal() && choices.devices.is_empty() => words.say("sms-sent-stranger"),
        Kind::Sms => words.say("sms-sent"),
        Kind::Recovery => words.say("recovery-about"),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let name = kind.name();
    let page = held.page(&format!("{name}-title")).at(&held.path(name)).script("forms.js");
    let device = sms_device(&choices);
    let page = Code { p: page, c: held.context(), kind: name, about, error, wait: choices.sms_wait, device };
    Ok(held.visit.show(status, &page, held.policy()))
}

fn sms_device(choices: &Choices) -> String {
    let mut can = choices.devices.iter().filter(|device| device.capabilities.contains(&auth::Capability::Sms));
    match (can.next(), can.next()) {
        (Some(only), None) => only.id.to_string(),
        _ => String::new(),
    }
}

/// `POST /sign-in/{id}/sms`: sends a message.
pub(super) async fn send_sms(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    let posted = held.posted(request).await?;
    let device = device(posted.get("device")?)?;
    match held.visit.web.auth.attempt(&held.sign_in, &held.browser, Factor::Sms, device).await? {
        Step::Sent { .. } | Step::Waiting { .. } | Step::Proved => Ok(redirect(&held.path("sms"))),
        Step::Allowed => Ok(redirect(&end::after(&held).await?)),
        Step::Refused(outcome) => prompt::page(&held, Some(said::refusal(&held.visit.words, &outcome))).await,
    }
}

/// `POST /sign-in/{id}/passcode`: a passcode, or the code of a message (`from` says which page to show again).
pub(super) async fn take_passcode(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    take(visit, &id, request, Kind::Passcode).await
}

/// `POST /sign-in/{id}/recovery`.
pub(super) async fn take_recovery(
    visit: Visit,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    take(visit, &id, request, Kind::Recovery).await
}

async fn take(visit: Visit, id: &str, request: Request<Body>, kind: Kind) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, id).await?;
    let posted = held.posted(request).await?;
    let kind = match (kind, posted.get("from")?) {
        (Kind::Passcode, Some("sms")) => Kind::Sms,
        (kind, _) => kind,
    };
    // People copy codes with what stands around them.
    let code: String = posted.need("code", LONGEST)?.chars().filter(|c| !c.is_whitespace()).collect();
    if code.is_empty() {
        return show(&held, kind, Some(held.visit.words.say("passcode-empty"))).await;
    }
    let code = SecretString::new(code);
    let factor = if kind == Kind::Recovery { Factor::Recovery(code) } else { Factor::Passcode(code) };
    match held.visit.web.auth.attempt(&held.sign_in, &held.browser, factor, None).await? {
        Step::Allowed => Ok(redirect(&end::after(&held).await?)),
        Step::Refused(outcome) => show(&held, kind, Some(said::refusal(&held.visit.words, &outcome))).await,
        Step::Waiting { .. } | Step::Sent { .. } | Step::Proved => Ok(redirect(&held.base)),
    }
}
