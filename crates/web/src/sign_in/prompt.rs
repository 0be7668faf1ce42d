//! The prompt itself: what can be done, the best first.

use super::{
    held::{Context, Held},
    provider::{self, Shown},
    said,
};
use crate::frame::{
    page::{Notice, Page},
    trouble::Trouble,
    visit::{Visit, redirect},
};
use askama::Template;
use auth::{
    AuthError, Capability, Device, Verdict,
    sign_in::{ChoiceKind, Choices, Hidden, SignInState},
};
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};

/// The longest name that is looked at, in bytes.
const LONGEST_NAME: usize = 1024;

/// A way that isn't the first.
struct Way {
    icon: &'static str,
    title: String,
    detail: String,
    /// Its page; a way that something is sent by is a form instead.
    link: Option<String>,
    /// Where its form goes.
    action: String,
    device: String,
}

#[derive(Template)]
#[template(path = "sign_in/name.html")]
struct Name {
    p: Page,
    c: Context,
    passkey: bool,
    providers: Vec<Shown>,
    typed: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in/prompt.html")]
struct Prompt {
    p: Page,
    c: Context,
    /// `passkey`, `push`, `passcode`, `sms`, `call`, `password`, `recovery` or `provider`.
    best: &'static str,
    /// Of the best way, as forms name it and as people do.
    device: String,
    device_name: String,
    wait: u64,
    ways: Vec<Way>,
    /// Why something isn't here.
    hidden: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in/enroll.html")]
struct Enroll {
    p: Page,
    c: Context,
}

/// `GET /sign-in/{id}`.
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Trouble> {
    page(&Held::find(visit, &id).await?, None).await
}

/// `POST /sign-in/{id}/name`: who somebody is, at their own pages.
pub(super) async fn name(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let mut held = Held::find_open(visit, &id).await?;
    let posted = held.posted(request).await?;
    let typed = posted.need("username", LONGEST_NAME)?.trim().to_owned();
    let auth = std::sync::Arc::clone(&held.visit.web.auth);
    match auth.name_user(&mut held.sign_in, &typed).await {
        Ok(()) => match auth.home_provider(&held.sign_in).await? {
            Some(home) => provider::go(&held, &home).await,
            None => Ok(redirect(&held.base)),
        },
        Err(AuthError::UserName(_)) => {
            let error = held.visit.words.say("name-unusable");
            ask_name(&held, typed, Some(error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The page that fits how the sign-in stands, with an error above it.
pub(super) async fn page(held: &Held, error: Option<String>) -> Result<Response, Trouble> {
    match held.sign_in.state() {
        SignInState::Open => {}
        SignInState::Allowed => return Ok(redirect(&super::end::after(held).await?)),
        SignInState::Denied => {
            return Ok(denied(held, error.unwrap_or_else(|| held.visit.words.say("trouble-expired"))));
        }
        SignInState::Redeemed => return Err(Trouble::Expired),
    }
    if held.is_portal() && held.sign_in.username().is_none() {
        return ask_name(held, String::new(), error).await;
    }
    let choices = held.visit.web.auth.choices(&held.sign_in, &held.browser).await?;
    match choices.verdict {
        Verdict::Allow => Ok(redirect(&held.path("done"))),
        Verdict::Deny => Ok(denied(held, said::verdict(&held.visit.words, &choices.message))),
        Verdict::Enroll if choices.enroll => {
            let page = Enroll { p: held.page("enroll-title").at(&held.base), c: held.context() };
            Ok(held.visit.show(StatusCode::OK, &page, held.policy()))
        }
        Verdict::Enroll => Ok(denied(held, said::verdict(&held.visit.words, &choices.message))),
        Verdict::Challenge => prompt(held, &choices, provider::shown(held).await?, error),
    }
}

fn denied(held: &Held, text: String) -> Response {
    let page = Notice::bad(held.page("denied-title").at(&held.base), text);
    held.visit.show(StatusCode::FORBIDDEN, &page, held.policy())
}

async fn ask_name(held: &Held, typed: String, error: Option<String>) -> Result<Response, Trouble> {
    let choices = held.visit.web.auth.choices(&held.sign_in, &held.browser).await?;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = held.page("name-title").at(&held.base).script("prompt.js").script("forms.js");
    let providers = provider::shown(held).await?;
    let page = Name { p: page, c: held.context(), passkey: choices.passkey, providers, typed, error };
    Ok(held.visit.show(status, &page, held.policy()))
}

fn prompt(held: &Held, choices: &Choices, providers: Vec<Shown>, error: Option<String>) -> Result<Response, Trouble> {
    let asked = held.visit.asked("way");
    let best = match (asked, choices.best) {
        (Some("passkey"), _) if choices.passkey => "passkey",
        (_, ChoiceKind::Passkey) => "passkey",
        (_, ChoiceKind::Push) => "push",
        (_, ChoiceKind::Passcode) => "passcode",
        (_, ChoiceKind::Sms) => "sms",
        (_, ChoiceKind::Phone) => "call",
        (_, ChoiceKind::Password) => "password",
        (_, ChoiceKind::Recovery) => "recovery",
        (_, ChoiceKind::None) if !providers.is_empty() => "provider",
        (_, ChoiceKind::None) => {
            let words = &held.visit.words;
            let text = hidden(choices).map_or_else(|| words.say("nothing-about"), |key| words.say(key));
            let page = Notice::bad(held.page("nothing-title").at(&held.base), text);
            return Ok(held.visit.show(StatusCode::FORBIDDEN, &page, held.policy()));
        }
    };
    let first = |capability| choices.devices.iter().find(|device| device.capabilities.contains(&capability));
    let device = match best {
        "push" => first(Capability::Push),
        "sms" => first(Capability::Sms),
        "call" => first(Capability::Phone),
        _ => None,
    };
    let title = match best {
        "passkey" => "passkey-title",
        "push" => "push-best-title",
        "sms" => "sms-best-title",
        "call" => "call-best-title",
        "password" => "password-title",
        "recovery" => "recovery-title",
        "provider" => "sign-in-title",
        _ => "passcode-title",
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = held.page(title).at(&held.base).script("forms.js");
    let page = Prompt {
        p: if best == "passkey" { page.script("prompt.js") } else { page },
        c: held.context(),
        best,
        device: device.map(|device| device.id.to_string()).unwrap_or_default(),
        device_name: device.map(|device| named(device, best)).unwrap_or_default(),
        wait: if best == "sms" { choices.sms_wait } else { choices.wait },
        ways: ways(held, choices, best, providers),
        hidden: hidden(choices).map(|key| held.visit.words.say(key)),
        error,
    };
    Ok(held.visit.show(status, &page, held.policy()))
}

/// What a person knows a device by: of a telephone its masked number.
fn named(device: &Device, way: &str) -> String {
    if way != "push" && !device.masked_number.is_empty() {
        return device.masked_number.clone();
    }
    if device.name.is_empty() { device.display.clone() } else { device.name.clone() }
}

/// Everything that may be done but the first. What the engine doesn't name devices for is one way for all of them.
fn ways(held: &Held, choices: &Choices, best: &str, providers: Vec<Shown>) -> Vec<Way> {
    let words = &held.visit.words;
    let linked = |icon: &'static str, link: String| Way {
        icon,
        title: words.say(&format!("{icon}-way")),
        detail: words.say(&format!("{icon}-way-detail")),
        link: Some(link),
        action: String::new(),
        device: String::new(),
    };
    let mut ways = Vec::new();
    if choices.passkey && best != "passkey" {
        ways.push(linked("passkey", format!("{}?way=passkey", held.base)));
    }
    let sent = [
        (choices.push, Capability::Push, "push"),
        (choices.sms, Capability::Sms, "sms"),
        (choices.phone, Capability::Phone, "call"),
    ];
    let mut passcode = (choices.passcode && best != "passcode").then(|| linked("passcode", held.path("passcode")));
    for (offered, capability, icon) in sent {
        if icon == "sms" {
            ways.extend(passcode.take());
        }
        if !offered {
            continue;
        }
        let way = |title: String, device: String| Way {
            icon,
            title,
            detail: words.say(&format!("{icon}-way-detail")),
            link: None,
            action: held.path(icon),
            device,
        };
        let mut devices = choices.devices.iter().filter(|device| device.capabilities.contains(&capability)).peekable();
        if devices.peek().is_none() && best != icon {
            ways.push(way(words.say(&format!("{icon}-way-any")), String::new()));
        }
        // The first of them is the best way already.
        for device in devices.skip(usize::from(best == icon)) {
            ways.push(way(words.with(&format!("{icon}-way"), "device", &named(device, icon)), device.id.to_string()));
        }
    }
    if choices.password && best != "password" {
        ways.push(linked("password", held.path("password")));
    }
    ways.extend(providers.into_iter().map(|shown| Way {
        icon: "person",
        title: shown.title,
        detail: words.say("provider-way-detail"),
        link: None,
        action: held.path(&format!("provider/{}", shown.key)),
        device: String::new(),
    }));
    if choices.recovery && best != "recovery" {
        ways.push(linked("recovery", held.path("recovery")));
    }
    ways
}

const fn hidden(choices: &Choices) -> Option<&'static str> {
    match choices.hidden {
        Hidden::Nothing => None,
        Hidden::Passkey => Some("hidden-passkey"),
        Hidden::NewBrowser => Some("hidden-new-browser"),
        Hidden::Suspended => Some("hidden-suspended"),
        Hidden::PasskeyOnly => Some("hidden-passkey-only"),
        Hidden::TooWeak => Some("hidden-too-weak"),
    }
}
