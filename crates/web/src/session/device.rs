//! What a browser with Device Bound Session Credentials (W3C) asks by itself: to register its device's key, and to renew the cookie.
//!
//! No page of ours sends these, so they carry no form's token; what they carry is signed by the device, over a challenge of ours.

use super::{Bearer, DEVICE};
use crate::frame::{
    cookies,
    trouble::Trouble,
    visit::{Visit, json, with_cookie},
};
use auth::{AuthError, account::Session, binding::DeviceCookie};
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde_json::json;

const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
const RESPONSE: &str = "secure-session-response";

/// Tells a browser that was just signed in that it may register its device. Who doesn't know what that is leaves it.
pub(super) async fn offer(
    visit: &Visit,
    session: &Session,
    ticket: &str,
    mut response: Response,
) -> Result<Response, Trouble> {
    // The cookie that is renewed has the prefix of a secure origin, and browsers want one for this.
    if visit.web.options.secure_origin
        && let Some(challenge) = visit.web.auth.device_registration(session, ticket).await?
    {
        let text = format!("(ES256 RS256);path=\"/session/register\";challenge=\"{}\"", challenge.expose());
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(REGISTRATION, value);
        }
    }
    Ok(response)
}

/// `POST /session/register`.
pub(super) async fn register(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let Ok(bearer) = Bearer::find(visit).await? else { return Ok(StatusCode::UNAUTHORIZED.into_response()) };
    let Some(proof) = proof(request.headers()) else { return Err(Trouble::Malformed) };
    match bearer.visit.web.auth.register_device(&bearer.session, &proof).await {
        Ok(cookie) => Ok(bound(&bearer, &cookie)),
        Err(AuthError::Refused(_)) => Ok(StatusCode::UNAUTHORIZED.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// `POST /session/refresh`: without a proof, or with one that isn't good, a new challenge (403); with one, the cookie. Where there is no
/// such session any more the browser is told to forget it (401).
pub(super) async fn refresh(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let Ok(bearer) = Bearer::find(visit).await? else { return Ok(StatusCode::UNAUTHORIZED.into_response()) };
    let (auth, session) = (&bearer.visit.web.auth, &bearer.session);
    if let Some(proof) = proof(request.headers()) {
        match auth.renew_device(session, &proof).await {
            Ok(cookie) => return Ok(bound(&bearer, &cookie)),
            Err(AuthError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let Some(challenge) = auth.renewal_challenge(session).await? else {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    };
    let mut response = StatusCode::FORBIDDEN.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("\"{}\";id=\"{}\"", challenge.expose(), session.id())) {
        response.headers_mut().insert(CHALLENGE, value);
    }
    Ok(response)
}

/// The one proof that a request carries.
fn proof(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(RESPONSE).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => auth::binding::proof_field(line.to_str().ok()?).map(str::to_owned),
        _ => None,
    }
}

/// The instructions ("JSON Session Instruction Format"), with the cookie that they are about.
fn bound(bearer: &Bearer, cookie: &DeviceCookie) -> Response {
    let visit = &bearer.visit;
    let name = visit.cookie_name(DEVICE);
    let files = |path: &str| json!({ "type": "exclude", "domain": "*", "path": path });
    let instructions = json!({
        "session_identifier": bearer.session.id().to_string(),
        "refresh_url": "/session/refresh",
        "scope": {
            "origin": visit.origin,
            "include_site": false,
            "scope_specification": [files("/assets"), files("/brand")],
        },
        "credentials": [{
            "type": "cookie",
            "name": name,
            "attributes": "Path=/; Secure; HttpOnly; SameSite=Lax",
        }],
        // Applications of any name send people here.
        "allowed_refresh_initiators": ["*"],
    });
    let response = json(StatusCode::OK, &instructions);
    let secure = visit.web.options.secure_origin;
    with_cookie(response, cookies::set(&name, cookie.value.expose(), cookie.life, secure))
}
