//! Providers: people are sent there to prove who they are, and come back.
//!
//! They come back to addresses that name no sign-in; what comes along says which it belongs to, and the cookie of that sign-in, that it is
//! this browser's. A SAML provider's answer is posted by a page of its own, with which no cookie of this site comes along: it is kept, and
//! the browser sent on to fetch what became of it, with its cookies then, and with a ticket that no other browser was given.

use super::{end, held::Held, prompt, said};
use crate::{
    frame::{
        headers::Policy,
        page::Notice,
        trouble::Trouble,
        visit::{Visit, redirect},
    },
    session::going_on,
};
use auth::{
    providers::{Outside, ProviderChoice},
    sign_in::{Returned, Step},
};
use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use std::time::Duration;

/// Where answers are posted to by other sites' pages.
const ANSWERS: &str = sso::SERVICE_ANSWERS;
/// Where the browser fetches what became of one.
const FINISH: &str = "/upstream/saml/finish";
/// The largest form of an answer, in bytes: a SAML message in base64, escaped.
const LARGEST_ANSWER: usize = 256 * 1024;
/// So many fields of such a form are looked at.
const MOST_FIELDS: usize = 10;
/// Longer than whatever comes along with an answer, in bytes.
const LONGEST_STATE: usize = 128;

/// Whether other sites' pages post to this address.
pub(crate) fn is_brought(path: &str) -> bool {
    path == ANSWERS
}

/// A provider as a page shows it.
pub(super) struct Shown {
    pub(super) key: String,
    pub(super) title: String,
}

/// The providers of the tenant, for whoever has given no proof yet.
pub(super) async fn shown(held: &Held) -> Result<Vec<Shown>, Trouble> {
    let all = held.visit.web.auth.sign_in_providers(&held.sign_in).await?;
    let words = &held.visit.words;
    Ok(all
        .into_iter()
        .map(|choice| Shown { title: words.with("provider-way", "name", &choice.name), key: choice.key })
        .collect())
}

/// `POST /sign-in/{id}/provider/{key}`.
pub(super) async fn start(
    visit: Visit,
    Path((id, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    held.posted(request).await?;
    let all = held.visit.web.auth.sign_in_providers(&held.sign_in).await?;
    match all.into_iter().find(|choice| choice.key == key) {
        Some(choice) => go(&held, &choice).await,
        None => Ok(redirect(&held.base)),
    }
}

/// `GET /sign-in/{id}/provider/{key}`: what was a form's address before, in another language, say.
pub(super) async fn again(visit: Visit, Path((id, _)): Path<(String, String)>) -> Result<Response, Trouble> {
    prompt::page(&Held::find(visit, &id).await?, None).await
}

/// Sends the browser to a provider. By a page that goes on by itself: browsers hold `form-action` against every redirect that follows a
/// form.
pub(super) async fn go(held: &Held, choice: &ProviderChoice) -> Result<Response, Trouble> {
    let outside = outside(&held.visit, choice.is_saml).await?;
    let visit = &held.visit;
    match visit.web.auth.start_provider(&held.sign_in, &held.browser, &choice.key, &outside).await? {
        Ok(address) => {
            let text = visit.words.with("provider-onward", "name", &choice.name);
            let next = Some((address.clone(), visit.words.say("continue")));
            let page = Notice { p: held.page("provider-onward-title").at(&held.base), tone: "plain", text, next };
            Ok(going_on(visit.show(StatusCode::OK, &page, held.policy()), &address))
        }
        Err(step) => done(held, step).await,
    }
}

/// `GET /upstream/oidc/{key}`: back from an OpenID provider.
pub(super) async fn back(visit: Visit, Path(key): Path<String>) -> Result<Response, Trouble> {
    let state = state_of(&visit)?;
    let query = visit.address.split_once('?').map_or("", |(_, query)| query).to_owned();
    let held = of_state(visit, &state).await?;
    let outside = outside(&held.visit, false).await?;
    let returned = Returned::Query { key: &key, query: &query };
    let auth = &held.visit.web.auth;
    let step = auth.finish_provider(&held.sign_in, &held.browser, &state, returned, &outside).await?;
    done(&held, step).await
}

/// `POST /upstream/saml/acs`: what a SAML provider's page has posted. Nothing of it is looked at before its browser comes for it.
pub(super) async fn brought(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Trouble::Malformed);
    }
    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|_| Trouble::TooLarge)?.to_bytes();
    let fields: Vec<_> = form_urlencoded::parse(&body).take(MOST_FIELDS).collect();
    let only = |name: &str| {
        let mut found = fields.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value.as_ref()),
            _ => Err(Trouble::Malformed),
        }
    };
    let (state, answer) = (only("RelayState")?, only("SAMLResponse")?);
    if state.len() > LONGEST_STATE {
        return Err(Trouble::Expired);
    }
    let kept = visit.web.auth.keep_answer(visit.tenant.id, (state, answer), visit.ip).await?;
    let ticket = kept.ok_or(Trouble::Expired)?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("state", state).append_pair("ticket", ticket.expose()).finish();
    Ok(redirect(&format!("{FINISH}?{query}")))
}

/// `GET /upstream/saml/finish`: the browser comes for what became of its answer.
pub(super) async fn finish(visit: Visit) -> Result<Response, Trouble> {
    let state = state_of(&visit)?;
    let ticket = visit.asked("ticket").filter(|ticket| ticket.len() <= LONGEST_STATE).unwrap_or_default().to_owned();
    let held = of_state(visit, &state).await?;
    let outside = outside(&held.visit, true).await?;
    let auth = &held.visit.web.auth;
    let step = auth
        .finish_provider(&held.sign_in, &held.browser, &state, Returned::Kept { ticket: &ticket }, &outside)
        .await?;
    done(&held, step).await
}

/// `GET /upstream/saml/metadata`: who the tenant is to SAML providers.
pub(super) async fn metadata(visit: Visit) -> Result<Response, Trouble> {
    let outside = outside(&visit, true).await?;
    let text = outside.service.and_then(|service| service.metadata().ok()).ok_or(Trouble::Ours)?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/samlmetadata+xml"));
    let age = Duration::from_secs(300).as_secs();
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={age}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response.extensions_mut().insert(Policy::nothing());
    Ok(response)
}

fn state_of(visit: &Visit) -> Result<String, Trouble> {
    Ok(visit.asked("state").filter(|state| state.len() <= LONGEST_STATE).ok_or(Trouble::Malformed)?.to_owned())
}

/// The sign-in that an answer belongs to, in the browser that began it and in no other.
async fn of_state(visit: Visit, state: &str) -> Result<Held, Trouble> {
    let id = visit.web.auth.provider_request(visit.tenant.id, state).await?.ok_or(Trouble::Expired)?;
    Held::find_open(visit, &id.to_string()).await
}

async fn outside(visit: &Visit, is_saml: bool) -> Result<Outside, Trouble> {
    let origin = visit.web.public_origin(&visit.tenant.api_host);
    let service = match is_saml {
        true => Some(visit.web.sso.saml_service(visit.tenant.id, &origin).await?),
        false => None,
    };
    Ok(Outside { origin, service })
}

async fn done(held: &Held, step: Step) -> Result<Response, Trouble> {
    match step {
        Step::Allowed => Ok(redirect(&end::after(held).await?)),
        Step::Refused(outcome) => prompt::page(held, Some(said::refusal(&held.visit.words, &outcome))).await,
        Step::Proved | Step::Waiting { .. } | Step::Sent { .. } => Ok(redirect(&held.base)),
    }
}
