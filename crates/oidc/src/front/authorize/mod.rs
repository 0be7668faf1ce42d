//! `GET` and `POST /oidc/authorize`: an application sends a browser here with what it asks for; and `GET /oidc/continue/{id}`, where the
//! browser comes back after it has signed in, agreed, or given up.
//!
//! The order is the safety: the client is found first, then the address that answers go to is verified, and only after that does anything
//! go to the application; everything before is told to the person, here. What was asked is kept sealed between the two addresses, for this
//! browser alone, and is answered once.

pub(crate) mod claims_parameter;
mod decide;
pub(crate) mod hint;
pub(crate) mod pending;
pub(crate) mod reply;
pub(crate) mod request;

use crate::frame::{
    error::{Code, OAuthError},
    page,
    params::{Form, Source},
    place::{Asked, Place},
};
use axum::{extract::Path, response::Response};
use decide::{Case, Stage};
use http::{HeaderMap, Method, request::Parts};
use pending::Pending;
use reply::{Mode, WayBack};
use request::Request;
use sso::{Protocol, RelyingParty, Visit};
use std::sync::Arc;

/// The query of the address to which a sign-in or a consent comes back, done or given up.
const TRIED: &str = "tried";

/// What ends a request without a sign-in.
pub(crate) enum Ended {
    /// Told to the person, here.
    Here(OAuthError),
    /// Told to the application.
    There(WayBack, OAuthError),
}

impl From<OAuthError> for Ended {
    fn from(error: OAuthError) -> Self {
        Self::Here(error)
    }
}

impl Ended {
    fn answer(self, headers: &HeaderMap) -> Response {
        match self {
            Self::Here(error) => page::refusal(error, headers),
            Self::There(way, error) => way.error(error),
        }
    }
}

/// `GET` and `POST /oidc/authorize`.
pub(super) async fn authorize(place: Place, asked: Asked) -> Response {
    let form = match Form::read(asked, Source::Either).await {
        Ok(form) => form,
        Err((parts, error)) => return page::refusal(error, &parts.headers),
    };
    match begin(&place, &form).await {
        Ok(response) => response,
        Err(ended) => ended.answer(&form.parts.headers),
    }
}

async fn begin(place: &Place, form: &Form) -> Result<Response, Ended> {
    let client_id = form.required("client_id", "The client_id is missing.")?;
    let party = party(place, client_id).await?;
    let visit = visit(place, &form.parts).await?;
    let taken = pending::taken(place, &party, form).await?;
    let form = taken.as_ref().unwrap_or(form);
    let way = way_back(place, &party, form)?;
    let asked = place.now();
    let read = Request::read(form).and_then(|request| pending::check(request, &party, &way, asked));
    let pending = match read {
        Ok(pending) => pending,
        Err(error) => return Err(Ended::There(way, error)),
    };
    if let Err(error) = pending.hinted(place, &party).await {
        return Err(Ended::There(way, error));
    }
    let case = Case { place, visit: &visit, party: &party, pending: &pending, way };
    // A POST from another site brings no cookies of ours. What it asks is kept, and the browser comes back for it by a GET.
    if form.parts.method == Method::POST {
        return case.keep().await;
    }
    case.decide(Stage::First).await
}

/// Whether these parameters would be taken from this client: for a request that is pushed, whose client is told at once.
pub(crate) fn would_be_taken(place: &Place, party: &RelyingParty, form: &Form) -> Result<(), OAuthError> {
    let way = way_back(place, party, form).map_err(|ended| match ended {
        Ended::Here(error) | Ended::There(_, error) => error,
    })?;
    Request::read(form).and_then(|request| pending::check(request, party, &way, place.now())).map(drop)
}

/// `GET /oidc/continue/{id}`.
pub(super) async fn resume(place: Place, Path(id): Path<String>, asked: Asked) -> Response {
    let (parts, _) = asked.into_parts();
    match resumed(&place, &id, &parts).await {
        Ok(response) => response,
        Err(ended) => ended.answer(&parts.headers),
    }
}

async fn resumed(place: &Place, id: &str, parts: &Parts) -> Result<Response, Ended> {
    const OVER: OAuthError = OAuthError::invalid_request(
        "This sign-in is over, or it was begun in another browser. Start again at the application.",
    );
    let visit = visit(place, parts).await?;
    let held = place.sso().held(&visit, id).await.map_err(|error| OAuthError::ours(&error))?.ok_or(OVER)?;
    let party = held.party;
    let pending = Pending::read(&held.request)?;
    // The client may have been changed meanwhile: what it isn't any more is led to no more.
    let way = pending.way(place);
    verified(&party, &way.redirect_uri)?;
    let case = Case { place, visit: &visit, party: &party, pending: &pending, way };
    // Behind a proof there is a ticket beside it.
    let tried = visit.address.split_once('?').is_some_and(|(_, query)| query == TRIED);
    case.decide(Stage::Held { id: held.id, tried, agreeing: !held.scopes.is_empty() }).await
}

async fn party(place: &Place, client_id: &str) -> Result<Arc<RelyingParty>, OAuthError> {
    // One text for what isn't there and for what is off: a stranger can't tell which.
    const UNKNOWN: OAuthError =
        OAuthError::new(Code::UnauthorizedClient, "The client_id is not one that can sign people in here.");
    let found = place.sso().party(place.tenant, Protocol::Oidc, client_id).await;
    found.map_err(|error| OAuthError::ours(&error))?.ok_or(UNKNOWN)
}

/// The browser that a request comes from.
pub(crate) async fn visit(place: &Place, parts: &Parts) -> Result<Visit, OAuthError> {
    let visit = place.sso().visit(parts).await;
    visit.map_err(|error| OAuthError::ours(&error))?.ok_or(OAuthError::invalid_request("This host is nobody's."))
}

/// Where answers go. Until this has passed, nothing goes anywhere.
fn way_back(place: &Place, party: &RelyingParty, form: &Form) -> Result<WayBack, Ended> {
    let uri = form.required("redirect_uri", "The redirect_uri is missing.")?;
    verified(party, uri)?;
    let mut way =
        WayBack { redirect_uri: uri.to_owned(), mode: Mode::Query, state: None, issuer: place.issuer.clone() };
    match request::state(form) {
        Ok(state) => way.state = state,
        Err(error) => return Err(Ended::There(way, error)),
    }
    match form.get("response_mode").and_then(Mode::read) {
        Ok(mode) => way.mode = mode,
        Err(error) => return Err(Ended::There(way, error)),
    }
    Ok(way)
}

fn verified(party: &RelyingParty, uri: &str) -> Result<(), OAuthError> {
    const FOREIGN: OAuthError =
        OAuthError::invalid_request("The redirect_uri is not one that was registered for this client.");
    let client = pending::client(party)?;
    let registered = client.redirect_uris.iter().map(String::as_str);
    if sso::redirect_uri::is_registered(registered, uri) { Ok(()) } else { Err(FOREIGN) }
}
