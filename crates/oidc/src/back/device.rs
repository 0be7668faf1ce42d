//! Devices without a browser (RFC 8628): `POST /oidc/device_authorization`, where a device asks, and `/oidc/device`, where a person says yes.
//!
//! Whoever sends somebody a code has their device allowed by somebody else (RFC 8628 §5.4). So the page doesn't take a code from an address
//! without showing it; after the code the person signs in anew, with what the application needs, and is then asked: which application, what for,
//! from which address and by which program the code was asked for, and whether the very same code stands on a device in front of them. Yes is
//! not the first button.

use super::{
    answer,
    answer::scopes,
    client_auth::{self, ip},
    token::resources,
};
use crate::{
    frame::{
        error::{Code, OAuthError},
        page,
        params::{Form, Source},
        place::{Asked, Place},
    },
    front::authorize::visit,
};
use auth::{AuthError, sign_in::neighbourhood};
use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use sso::{
    Ask, DeviceEnd, DeviceQuestion, GrantType, Leaf, Participant, RelyingParty, SignedIn, SsoError, Stand, Visit,
    tokens::{DeviceAsked, DeviceRequest, Granted, Typist},
};
use std::sync::Arc;
use types::Millis;

/// What a code is held with: the code as it was typed.
const DOOR: &str = "/oidc/device/";
/// Characters of a device's word for itself.
const LONGEST_AGENT: usize = 120;

/// `POST /oidc/device_authorization`.
pub(super) async fn ask(place: Place, asked: Asked) -> Response {
    let form = match Form::read_up_to(asked, Source::Body, 48 * 1024).await {
        Ok(form) => form,
        Err((parts, error)) => return answer::answer(&place, &parts.headers, Err(error)).await,
    };
    let done = opened(&place, &form).await;
    answer::answer(&place, &form.parts.headers, done).await
}

async fn opened(place: &Place, form: &Form) -> Result<Value, OAuthError> {
    let client = client_auth::client(place, form).await?;
    let settings = client.settings()?;
    if !settings.may(GrantType::DeviceCode) {
        return Err(OAuthError::new(Code::UnauthorizedClient, "This client may not use this grant_type."));
    }
    let scopes = scopes(form.get("scope")?)?.unwrap_or_else(|| vec!["openid".to_owned()]);
    let own = |scope: &String| scope == "openid" || settings.scopes.contains(scope);
    if !scopes.iter().all(own) {
        return Err(OAuthError::new(Code::InvalidScope, "A scope is not one that this client may ask for."));
    }
    let resources = resources(form)?.unwrap_or_default();
    if !resources.iter().all(|resource| settings.resources.contains(resource)) {
        return Err(OAuthError::new(
            Code::InvalidTarget,
            "A resource is not one that this client may have tokens for.",
        ));
    }
    client.counted(place, &form.parts).await?;
    let agent = form.parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let agent: String = agent.chars().take(LONGEST_AGENT).collect();
    let ip = ip(&form.parts).map(|ip| ip.to_string());
    let asked = DeviceAsked { scopes, resources, ip, agent };
    let codes = place.sso().grants().ask_for_device(&client.party, asked).await.map_err(|error| told(&error))?;
    let uri = place.url(super::DEVICE);
    Ok(json!({
        "device_code": codes.device_code.expose(),
        "user_code": codes.user_code,
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={}", codes.user_code),
        "expires_in": codes.expires_in.as_secs(),
        "interval": codes.interval,
    }))
}

fn told(error: &SsoError) -> OAuthError {
    match error {
        SsoError::Auth(AuthError::Limited { .. }) => {
            OAuthError::new(Code::TemporarilyUnavailable, "Too many tries. Wait a few minutes.")
        }
        error => OAuthError::ours(error),
    }
}

/// `GET /oidc/device`: asks for the code. One that stands in the address is put into the field, and nothing is done with it yet.
pub(super) async fn page(asked: Asked) -> Response {
    let form = Form::read(asked, Source::Either).await;
    let typed = match &form {
        Ok(form) => form.get("user_code").ok().flatten().unwrap_or_default(),
        Err(_) => "",
    };
    question(typed, false)
}

fn question(typed: &str, wrong: bool) -> Response {
    Leaf::DeviceCode { action: super::DEVICE, typed: typed.chars().take(16).collect(), wrong }.into_response()
}

fn end(end: DeviceEnd) -> Response {
    Leaf::DeviceEnd(end).into_response()
}

/// A refusal; where a person can go on by a new code, it says so.
fn refused(error: OAuthError, wants: &HeaderMap) -> Response {
    if error == OVER {
        Leaf::DeviceEnd(DeviceEnd::Gone).with(StatusCode::BAD_REQUEST)
    } else {
        page::refusal(error, wants)
    }
}

/// `POST /oidc/device`: somebody typed a code.
pub(super) async fn typed(place: Place, asked: Asked) -> Response {
    let form = match Form::read(asked, Source::Body).await {
        Ok(form) => form,
        Err((parts, error)) => return page::refusal(error, &parts.headers),
    };
    match begin(&place, &form).await {
        Ok(response) => response,
        Err(error) => refused(error, &form.parts.headers),
    }
}

async fn begin(place: &Place, form: &Form) -> Result<Response, OAuthError> {
    let visit = visit(place, &form.parts).await?;
    is_from_here(place, &form.parts)?;
    let code = form.get("user_code")?.unwrap_or_default();
    let network = neighbourhood(ip(&form.parts));
    let by = match place.sso().present(&visit).await.map_err(|error| told(&error))? {
        Some(session) => Typist::SignedIn(session.user()),
        None => Typist::Stranger(&network),
    };
    let Some((request, party)) = find(place, code, by).await? else {
        return Ok(question("", true));
    };
    let held = place.sso().hold(&visit, &party, code.as_bytes(), DOOR, None).await.map_err(|error| told(&error))?;
    let mut response = page::redirect(&format!("{DOOR}{}", held.id));
    append(&mut response, held.set_cookie);
    tracing::info!(tenant = %place.tenant, ikey = request.ikey, "a device's code was entered");
    Ok(response)
}

async fn find(
    place: &Place,
    code: &str,
    by: Typist<'_>,
) -> Result<Option<(DeviceRequest, Arc<RelyingParty>)>, OAuthError> {
    let request = place.sso().grants().device_request(place.tenant, code, by).await.map_err(|error| told(&error))?;
    let Some(request) = request else { return Ok(None) };
    let party = place.sso().party_of(place.tenant, &request.ikey).await.map_err(|error| told(&error))?;
    Ok(party.filter(|party| party.app.enabled).map(|party| (request, party)))
}

fn is_from_here(place: &Place, parts: &Parts) -> Result<(), OAuthError> {
    const ELSEWHERE: OAuthError = OAuthError::invalid_request("The form was not sent by a page of this server.");
    if place.is_sender(&parts.headers) { Ok(()) } else { Err(ELSEWHERE) }
}

/// `GET /oidc/device/{id}`: signs the person in, and asks them.
pub(super) async fn confirm(place: Place, Path(id): Path<String>, asked: Asked) -> Response {
    let (parts, _) = asked.into_parts();
    match confirmed(&place, &id, &parts).await {
        Ok(response) => response,
        Err(error) => refused(error, &parts.headers),
    }
}

/// Whoever is signed in for a code, and what the code is for.
enum At {
    Page(Box<Response>),
    Person(Box<Person>),
}

/// Who is asked, and about what.
struct Person {
    signed: SignedIn,
    request: DeviceRequest,
    party: Arc<RelyingParty>,
    code: String,
    visit: Visit,
}

const OVER: OAuthError =
    OAuthError::invalid_request("This is over, or it was begun in another browser. Enter the code again.");

async fn stands(place: &Place, id: &str, visit: Visit, tried: bool) -> Result<At, OAuthError> {
    let sso = place.sso();
    let held = sso.held(&visit, id).await.map_err(|error| told(&error))?.ok_or(OVER)?;
    let code = String::from_utf8(held.request.clone()).map_err(|_| OVER)?;
    let Some((request, party)) = find(place, &code, Typist::Counted).await? else { return Err(OVER) };
    if party.ikey() != held.party.ikey() {
        return Err(OVER);
    }
    // A proof that is younger than the code: a session that happens to be open agrees to nothing.
    let ask = Ask { fresh_since: Some(held.created), ..Ask::default() };
    let stand = sso.stand(&visit, &party, &ask).await.map_err(|error| told(&error))?;
    let back = format!("{DOOR}{id}?tried");
    match stand {
        Stand::Signed(signed) => Ok(At::Person(Box::new(Person { signed, request, party, code, visit }))),
        Stand::SignIn(_) if tried => Ok(At::Page(Box::new(end(DeviceEnd::NotSignedIn)))),
        Stand::SignIn(here) => {
            let opened = sso.send_to_sign_in(&visit, &party, &ask, here, &back).await.map_err(|error| told(&error))?;
            let mut response = page::redirect(&Visit::sign_in_path(&opened));
            append(&mut response, visit.sign_in_cookie(&opened));
            Ok(At::Page(Box::new(response)))
        }
        Stand::Prove => Ok(At::Page(Box::new(page::redirect(&format!("/session/prove?return_to={DOOR}{}", held.id))))),
        // Here the page itself asks for consent, with all that is asked for on it.
        Stand::Consent(_) | Stand::Denied(_) => {
            Err(OAuthError::new(Code::AccessDenied, "You may not use this application."))
        }
    }
}

async fn confirmed(place: &Place, id: &str, parts: &Parts) -> Result<Response, OAuthError> {
    let visit = visit(place, parts).await?;
    let tried = visit.address.split_once('?').is_some_and(|(_, query)| query == "tried");
    match stands(place, id, visit, tried).await? {
        At::Page(response) => Ok(*response),
        At::Person(person) => {
            let token = token(place, &person.visit, id).await?.ok_or(OVER)?;
            Ok(asked_page(id, token, *person, place.now()))
        }
    }
}

/// What the form of the page sends back: a session's cookie alone can't make it, so who has copied that says nothing in the person's place.
async fn token(place: &Place, visit: &Visit, id: &str) -> Result<Option<String>, OAuthError> {
    let Some(cookie) = &visit.session else { return Ok(None) };
    let auth = place.sso().auth();
    let ours = |error: AuthError| OAuthError::ours(&error);
    let Some(session) = auth.session(place.tenant, cookie.expose()).await.map_err(ours)? else { return Ok(None) };
    auth.page_token(&session, cookie.expose(), &format!("device {id}")).await.map(Some).map_err(ours)
}

fn asked_page(id: &str, token: String, person: Person, now: Millis) -> Response {
    let Person { signed, request, party, code, .. } = person;
    let asked = DeviceQuestion {
        action: format!("{DOOR}{id}"),
        token,
        username: signed.username,
        app: party.app.name.clone(),
        scopes: request.asked.scopes,
        minutes: now.since(request.created).as_secs() / 60,
        from: request.asked.ip,
        agent: request.asked.agent,
        code: code.to_ascii_uppercase(),
    };
    Leaf::Device(Box::new(asked)).into_response()
}

/// `POST /oidc/device/{id}`: yes, or no.
pub(super) async fn decided(place: Place, Path(id): Path<String>, asked: Asked) -> Response {
    let form = match Form::read(asked, Source::Body).await {
        Ok(form) => form,
        Err((parts, error)) => return page::refusal(error, &parts.headers),
    };
    match decide(&place, &id, &form).await {
        Ok(response) => response,
        Err(error) => refused(error, &form.parts.headers),
    }
}

async fn decide(place: &Place, id: &str, form: &Form) -> Result<Response, OAuthError> {
    let mut visit = visit(place, &form.parts).await?;
    is_from_here(place, &form.parts)?;
    let right = token(place, &visit, id).await?;
    let given = form.get("token")?.unwrap_or_default();
    visit.from_page = right.is_some_and(|right| types::ct_eq(right.as_bytes(), given.as_bytes()));
    if !visit.from_page {
        return Err(OVER);
    }
    let At::Person(person) = stands(place, id, visit, true).await? else { return Err(OVER) };
    let Person { signed, request, party, visit, .. } = *person;
    let sso = place.sso();
    let held = sso.held(&visit, id).await.map_err(|error| told(&error))?.ok_or(OVER)?;
    if !sso.release(&visit, held.id).await.map_err(|error| told(&error))? {
        return Err(OVER);
    }
    let mut response = match form.get("decision")? {
        Some("allow") if allow(place, &signed, &request, &party).await? => {
            tracing::info!(tenant = %place.tenant, ikey = party.ikey(), user = %signed.user, "a device was allowed");
            end(DeviceEnd::Connected)
        }
        Some("allow") => end(DeviceEnd::Over),
        _ => {
            sso.grants().deny_device(place.tenant, &request).await.map_err(|error| told(&error))?;
            end(DeviceEnd::Refused)
        }
    };
    append(&mut response, sso::Sso::forget_held(&visit, held.id));
    Ok(response)
}

async fn allow(
    place: &Place,
    signed: &SignedIn,
    request: &DeviceRequest,
    party: &RelyingParty,
) -> Result<bool, OAuthError> {
    let sso = place.sso();
    if party.oidc().is_some_and(|client| !client.first_party) {
        // What was asked on the page stands in the person's list, where it can be taken back.
        sso.agree(signed, party, &request.asked.scopes).await.map_err(|error| told(&error))?;
    }
    let subject = sso.subject(signed.user, party).await.map_err(|error| told(&error))?;
    let detail = Participant::Oidc { subject: subject.clone() };
    let sid = sso.participate(signed, party, &detail).await.map_err(|error| told(&error))?;
    let granted = Granted {
        client_id: party.key.clone(),
        subject,
        scopes: request.asked.scopes.clone(),
        resources: request.asked.resources.clone(),
        acr: Some(signed.level.acr().to_owned()),
        amr: signed.amr.clone(),
        strength: Some(signed.strength.as_str().to_owned()),
        auth_time: Some(signed.auth_time.seconds()),
        sid: Some(sid),
        ..Granted::default()
    };
    let who = (signed.user, signed.session);
    match sso.grants().allow_device(party, request, who, granted).await {
        // The session ended, or the consent was taken back, while its owner said yes.
        Err(SsoError::Over) => Ok(false),
        done => done.map_err(|error| told(&error)),
    }
}

fn append(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
