//! `/saml/slo` by SOAP: an application's server says to this one that its person signs out (saml-bindings §3.2, saml-profiles §4.4.3).
//!
//! No browser is there, so the request's own signature is all that says whose it is, and the sessions that it names are all that it can end.
//! The others are told as after any end; those that only a browser could tell make the answer `PartialLogout`.

use super::{
    incoming::{self, LIMITS},
    logout::{is_over, names},
    sign_on::{current, settings},
};
use crate::{
    door::{self, Call, Door},
    error::Refused,
    message::{
        logout::{self, LogoutRequest},
        new_id, read,
        response::Envelope,
        soap,
        status::Status,
    },
    page,
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use sso::{RelyingParty, farewell::only_in_front};
use std::sync::Arc;
use xmlsig::{Document, Fragment};

/// Whether a request comes by SOAP; some libraries give SOAP 1.1 the name of 1.2. No page of another site's can send one of these media types
/// unasked.
pub(crate) fn is_soap(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().map(str::trim);
    parts.method == Method::POST && matches!(kind, Some("text/xml" | "application/soap+xml"))
}

/// The endpoint.
pub(crate) async fn take(door: &Arc<Door>, request: Request<Body>) -> Response {
    match answered(door, request).await {
        Ok(message) => said(StatusCode::OK, &message),
        Err(refused) => {
            door::count("logout_soap", refused.word());
            tracing::info!(what = "logout_soap", why = refused.word(), "a SAML message was not taken");
            refusal(&refused)
        }
    }
}

async fn answered(door: &Arc<Door>, request: Request<Body>) -> Result<Fragment, Refused> {
    let (parts, body) = request.into_parts();
    let octets = axum::body::to_bytes(body, LIMITS.bytes).await.map_err(|_| Refused::TooLarge)?;
    let document = Document::parse(&octets, &LIMITS)?;
    let message = soap::open(&document)?;
    let call = Call::open(door, &parts).await?;
    let party = call.party(&read::issuer(message)?).await?;
    let party = current(&call, party).await?;
    let verified = incoming::verified(message, settings(&party)?)?;
    let request = LogoutRequest::read(verified.root())?;
    call.is_ours(&request.head, &party, "/saml/slo", true)?;
    if is_over(&request, call.now()) {
        return Err(Refused::Expired);
    }
    call.once(&party, &request.head.id).await?;
    let status = end(&call, &party, &request).await?;
    door::count("logout_soap", status.word());
    answer(&call, &party, &request, status).await
}

/// Ends all that is named, or nothing.
async fn end(call: &Call, party: &RelyingParty, request: &LogoutRequest) -> Result<Status, Refused> {
    // saml-core §3.7.1: without one, all of the person's. A name leads to no session here without what it is called.
    if request.sessions.is_empty() {
        return Ok(Status::RequestUnsupported);
    }
    let (sso, tenant) = (&call.door.sso, party.tenant());
    let mut alive = Vec::new();
    for sid in &request.sessions {
        let found = sso.participant_by_sid(party, sid).await.map_err(|error| call.ours(&error))?;
        let Some(found) = found else { continue };
        if !names(&request.name, &found) {
            return Ok(Status::UnknownPrincipal);
        }
        let session = sso.auth().session_by_id(tenant, found.session).await.map_err(|error| call.ours(&error))?;
        alive.extend(session.map(|_| found));
    }
    let mut untold = false;
    for found in alive {
        let ended = sso.end_session(tenant, found.session, found.user, Some(&found.sid)).await;
        let ended = ended.map_err(|error| call.ours(&error))?;
        untold |= ended.iter().any(|one| one.sid != found.sid && only_in_front(one));
    }
    Ok(if untold { Status::PartialLogout } else { Status::Success })
}

async fn answer(
    call: &Call,
    party: &RelyingParty,
    request: &LogoutRequest,
    status: Status,
) -> Result<Fragment, Refused> {
    let id = new_id(call.world());
    let envelope = Envelope {
        id: &id,
        issuer: &call.entity_id,
        destination: "",
        in_response_to: Some(&request.head.id),
        issued: call.now(),
    };
    let key = call.door.sso.signing().saml_signer(party.tenant()).await.map_err(|error| call.ours(&error))?;
    soap::wrap(&logout::response(&envelope, status), &id, &key).map_err(|error| call.ours(&error))
}

/// saml-bindings §3.2.3.3: what is no message is a fault, and who isn't spoken to is forbidden.
fn refusal(refused: &Refused) -> Response {
    let is_fault =
        matches!(refused, Refused::NoMessage | Refused::Encoding | Refused::TooLarge | Refused::Malformed(_));
    let status = match refused {
        Refused::Limited(_) | Refused::Ours | Refused::UnknownHost => refused.status(),
        _ if is_fault => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::FORBIDDEN,
    };
    match soap::fault(refused.word()) {
        Ok(fault) => said(status, &fault),
        Err(_) => with(status, Body::empty()),
    }
}

fn said(status: StatusCode, message: &Fragment) -> Response {
    let mut response = with(status, Body::from(message.as_str().to_owned()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(soap::MEDIA));
    response
}

fn with(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    page::guarded(response)
}
