//! Telling applications that somebody signed out, one after the other, through the browser (saml-profiles §4.4.3).
//!
//! The session is over before the first is told, so an application that keeps the browser, or answers nonsense, holds nothing up but the
//! news to those after it. What is left stands sealed in what is kept for this browser; each answer takes it out, and it is kept anew.

use super::sign_on::settings;
use crate::{
    door::Call,
    error::Refused,
    message::{
        logout::{self, LogoutResponse},
        name_id::NameId,
        new_id,
        response::Envelope,
        status::Status,
    },
    names, time,
};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sso::{
    Leaf, Left, RelyingParty,
    party::{Binding, LogoutEndpoint},
};
use xmlsig::{
    Fragment, Xml,
    redirect::{self, Parameter},
};

/// What comes when everybody was told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Then {
    /// The application that asked is answered.
    Answer {
        ikey: String,
        request: String,
        relay: Option<String>,
        /// Where it was refused.
        status: Option<Refusal>,
    },
    /// The browser goes on: to a path of ours, or to an address that was verified.
    Go(String),
}

/// Why a request to sign out was refused.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    UnknownPrincipal,
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownPrincipal => Self::UnknownPrincipal,
        }
    }
}

/// How far the telling is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    left: Vec<Left>,
    /// Names of the applications that weren't signed out of, as far as is known.
    missed: Vec<String>,
    /// The request that an answer is waited for to.
    request: Option<String>,
    then: Then,
}

impl Round {
    /// `missed`: names of those who can't be told at all.
    pub(crate) const fn new(left: Vec<Left>, missed: Vec<String>, then: Then) -> Self {
        Self { left, missed, request: None, then }
    }
}

/// An application's answer, verified.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// Which round it says that it belongs to.
    round: Option<String>,
    in_response_to: String,
    complete: bool,
}

impl Reply {
    pub(crate) fn new(response: LogoutResponse, relay: Option<String>) -> Self {
        Self { round: relay, in_response_to: response.in_response_to, complete: response.complete }
    }
}

/// An application has answered.
pub(crate) async fn answered(call: &Call, party: &RelyingParty, reply: Reply) -> Result<Response, Refused> {
    let id = reply.round.ok_or(Refused::NobodyAsked)?;
    let held = call.door.sso.held(&call.visit, &id).await.map_err(|error| call.ours(&error))?;
    let held = held.ok_or(Refused::NobodyAsked)?;
    let Ok(super::Kept::Told(mut round)) = serde_json::from_slice(&held.request) else {
        return Err(Refused::NobodyAsked);
    };
    // The answer of the one who was asked, to what it was asked.
    if held.party.ikey() != party.ikey() || round.request.as_deref() != Some(reply.in_response_to.as_str()) {
        return Err(Refused::NobodyAsked);
    }
    super::release(call, held.id).await?;
    if !reply.complete {
        round.missed.push(party.app.name.clone());
    }
    next(call, round).await
}

/// Tells the next one, or comes to the end.
pub(crate) async fn next(call: &Call, mut round: Round) -> Result<Response, Refused> {
    while !round.left.is_empty() {
        let left = round.left.remove(0);
        let found = call.door.sso.party_of(call.visit.tenant, &left.ikey).await;
        // One that was deleted meanwhile can't be told anything.
        let Some(party) = found.map_err(|error| call.ours(&error))? else { continue };
        let Some(endpoint) = settings(&party)?.slo.first().cloned() else {
            round.missed.push(party.app.name.clone());
            continue;
        };
        let Some(name) = NameId::of_participant(&left.detail) else { continue };
        let id = new_id(call.world());
        let envelope = envelope(call, &id, &endpoint.url, None);
        let xml =
            logout::request(&envelope, call.now() + time::REQUEST_LIFE, Some(names::USER_LOGOUT), &name, &left.sid);
        round.request = Some(id.clone());
        let (path, cookie) = call.keep(&party, &super::Kept::Told(round)).await?;
        let relay = path.rsplit('/').next().unwrap_or_default().to_owned();
        let sent = Sent { parameter: Parameter::Request, xml, id: &id, url: &endpoint.url, relay: Some(&relay) };
        let mut response = send(call, &party, endpoint.binding, sent).await?;
        if let Some(cookie) = cookie {
            response.headers_mut().append(http::header::SET_COOKIE, cookie);
        }
        crate::door::count("logout", "told");
        return Ok(response);
    }
    finish(call, round).await
}

/// Everybody was told.
pub(crate) async fn finish(call: &Call, round: Round) -> Result<Response, Refused> {
    let Round { missed, then, .. } = round;
    match then {
        Then::Answer { ikey, request, relay, status } => {
            let status = match status {
                Some(refusal) => Status::from(refusal),
                None if missed.is_empty() => Status::Success,
                None => Status::PartialLogout,
            };
            let found = call.door.sso.party_of(call.visit.tenant, &ikey).await;
            let party = found.map_err(|error| call.ours(&error))?.ok_or(Refused::UnknownParty)?;
            let Some(LogoutEndpoint { url, response_url, binding }) = settings(&party)?.slo.first().cloned() else {
                // It asked, and has no address to be answered at.
                return Ok(signed_out(missed, None));
            };
            let url = response_url.unwrap_or(url);
            let id = new_id(call.world());
            let xml = logout::response(&envelope(call, &id, &url, Some(&request)), status);
            let sent = Sent { parameter: Parameter::Response, xml, id: &id, url: &url, relay: relay.as_deref() };
            crate::door::count("logout_answered", status.word());
            send(call, &party, binding, sent).await
        }
        Then::Go(to) if missed.is_empty() => call.lead(&to, [None]),
        Then::Go(to) => Ok(signed_out(missed, Some(to))),
    }
}

/// Tells those who are told in frames, before the others.
pub(crate) async fn with_frames(
    call: &Call,
    party: &RelyingParty,
    frames: Vec<String>,
    round: Round,
) -> Result<Response, Refused> {
    if frames.is_empty() {
        return next(call, round).await;
    }
    let (path, cookie) = call.keep(party, &super::Kept::Framed(round)).await?;
    let leaf = Leaf::SignedOut { frames, missed: Vec::new(), next: Some(path), goes_on: true };
    let mut response = leaf.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(http::header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The page for whom there is nowhere else to go, or something to be told.
fn signed_out(missed: Vec<String>, next: Option<String>) -> Response {
    Leaf::SignedOut { frames: Vec::new(), missed, next, goes_on: false }.into_response()
}

struct Sent<'a> {
    parameter: Parameter,
    xml: Xml,
    id: &'a str,
    url: &'a str,
    relay: Option<&'a str>,
}

fn envelope<'a>(call: &'a Call, id: &'a str, url: &'a str, in_response_to: Option<&'a str>) -> Envelope<'a> {
    Envelope { id, issuer: &call.entity_id, destination: url, in_response_to, issued: call.now() }
}

/// Carries a signed message by the registered way.
async fn send(call: &Call, party: &RelyingParty, binding: Binding, sent: Sent<'_>) -> Result<Response, Refused> {
    let key = call.door.sso.signing().saml_signer(party.tenant()).await.map_err(|error| call.ours(&error))?;
    match binding {
        Binding::Redirect => {
            let message = sent.xml.render().map_err(|error| call.ours(&error))?;
            let query = redirect::encode(sent.parameter, &message, sent.relay, Some(&key));
            let query = query.map_err(|error| call.ours(&error))?;
            call.lead(&address(sent.url, &query), [None])
        }
        Binding::Post => {
            let message: Fragment =
                super::answer::sign(&sent.xml, sent.id, &key).map_err(|error| call.ours(error.as_ref()))?;
            let encoded = xmlsig::post::encode(message.as_str());
            let name = match sent.parameter {
                Parameter::Request => "SAMLRequest",
                Parameter::Response => "SAMLResponse",
            };
            let mut fields = vec![(name, encoded)];
            fields.extend(sent.relay.map(|relay| ("RelayState", relay.to_owned())));
            Ok(Leaf::Carry { action: sent.url.to_owned(), fields }.into_response())
        }
    }
}

/// An address with a query added.
pub(crate) fn address(base: &str, query: &str) -> String {
    let between = match base.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{base}{between}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_query() {
        assert_eq!(address("https://a.example/b", "c=d"), "https://a.example/b?c=d");
        assert_eq!(address("https://a.example/b?x", "c=d"), "https://a.example/b?x&c=d");
        assert_eq!(address("https://a.example/b?", "c=d"), "https://a.example/b?c=d");
    }
}
