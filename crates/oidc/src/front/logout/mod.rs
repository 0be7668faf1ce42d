//! `GET` and `POST /oidc/logout` (OpenID Connect RP-Initiated Logout 1.0): an application sends a browser here to be signed out everywhere.
//!
//! A link to this address can stand on anybody's page. So nobody is signed out without being asked, unless the hint is the id token of this
//! very session; and a browser goes on only to an address that its client registered, byte for byte.

use crate::frame::{
    error::OAuthError,
    headers::origin_of,
    page,
    params::{Form, Source},
    place::{Asked, Place},
};
use crate::front::authorize::{
    hint::{self, Hint},
    reply::with_query,
};
use auth::account::Session;
use axum::response::{IntoResponse as _, Response};
use http::Method;
use sso::{Goodbye, Leaf, Protocol, RelyingParty, Visit};
use std::sync::Arc;
use types::SecretString;

/// Bytes of a state.
const LONGEST_STATE: usize = 2048;

/// What is asked for, checked.
struct Wanted {
    party: Option<Arc<RelyingParty>>,
    hint: Option<Hint>,
    /// Where to go after it, with the state.
    after: Option<String>,
}

/// The endpoint.
pub(super) async fn logout(place: Place, asked: Asked) -> Response {
    let form = match Form::read(asked, Source::Either).await {
        Ok(form) => form,
        Err((parts, error)) => return page::refusal(error, &parts.headers),
    };
    let done =
        if form.parts.method == Method::POST && place.is_sender(&form.parts.headers) && form.all("token").len() == 1 {
            confirmed(&place, &form).await
        } else if form.parts.method == Method::POST {
            // A POST from another site brings no cookies of ours: the browser comes again by a GET, which does.
            Ok(again(&form))
        } else {
            asked_for(&place, &form).await
        };
    done.unwrap_or_else(|error| page::refusal(error, &form.parts.headers))
}

/// `GET /oidc/signed-out`: the end of the way for who has nowhere to go.
pub(super) async fn signed_out() -> Response {
    Leaf::SignedOut { frames: Vec::new(), missed: Vec::new(), next: None, goes_on: false }.into_response()
}

async fn asked_for(place: &Place, form: &Form) -> Result<Response, OAuthError> {
    let wanted = wanted(place, form).await?;
    let visit = super::authorize::visit(place, &form.parts).await?;
    let Some(session) = session(place, &visit).await? else {
        // Nobody is signed in here, so nothing is changed by going on.
        return Ok(Goodbye::to(wanted.after).answer(&visit));
    };
    if let (Some(party), Some(hint)) = (&wanted.party, &wanted.hint)
        && is_of(place, party, hint, &session).await?
    {
        return end(place, &visit, &session, wanted.after.as_deref()).await;
    }
    let app = wanted.party.as_ref().map(|party| party.app.name.clone());
    Ok(question(token(place, &visit, &session).await?, form, app, wanted.after.as_deref()))
}

/// The person has said yes, on our page.
async fn confirmed(place: &Place, form: &Form) -> Result<Response, OAuthError> {
    let wanted = wanted(place, form).await?;
    let visit = super::authorize::visit(place, &form.parts).await?;
    let Some(session) = session(place, &visit).await? else {
        return Ok(Goodbye::to(wanted.after).answer(&visit));
    };
    let given = form.required("token", "The form is not complete.")?;
    if !types::ct_eq(token(place, &visit, &session).await?.as_bytes(), given.as_bytes()) {
        return Err(OAuthError::invalid_request("This page is not of this session. Go back and start again."));
    }
    end(place, &visit, &session, wanted.after.as_deref()).await
}

/// Ends the session, and shows the page from which the browser tells the applications. Those with a back channel are told by the outbox that
/// was written as the session ended.
async fn end(place: &Place, visit: &Visit, session: &Session, after: Option<&str>) -> Result<Response, OAuthError> {
    let sso = place.sso();
    let ended = sso.end_session(place.tenant, session.id(), session.user(), None).await;
    let ended = ended.map_err(|error| OAuthError::ours(&error))?;
    place.door.logouts.wake();
    let goodbye = sso.goodbye(visit, &ended, after, super::SIGNED_OUT).await;
    Ok(goodbye.map_err(|error| OAuthError::ours(&error))?.answer(visit))
}

/// Asks the person, who came here by a link that may be anybody's. It names nobody: it is shown to whoever has the cookie, who may have
/// copied it.
fn question(token: String, form: &Form, app: Option<String>, after: Option<&str>) -> Response {
    let carried = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"].into_iter();
    let carried = carried.filter_map(|name| form.get(name).ok().flatten().map(|value| (name, value.to_owned())));
    let fields = carried.chain([("token", token)]).collect();
    let leads_to = after.and_then(origin_of);
    Leaf::SignOut { app, action: super::LOGOUT.to_owned(), fields, leads_to }.into_response()
}

/// Reads what is asked for. Nothing that can't be verified leads anywhere.
async fn wanted(place: &Place, form: &Form) -> Result<Wanted, OAuthError> {
    const FOREIGN: OAuthError =
        OAuthError::invalid_request("The post_logout_redirect_uri is not one that was registered for this client.");
    let hint = match form.get("id_token_hint")? {
        Some(text) => Some(hint::read(place, text).await?),
        None => None,
    };
    let named = form.get("client_id")?;
    if let (Some(hint), Some(named)) = (&hint, named)
        && hint.aud != named
    {
        return Err(hint::WRONG);
    }
    let party = match named.or(hint.as_ref().map(|hint| hint.aud.as_str())) {
        Some(key) => {
            let found = place.sso().party(place.tenant, Protocol::Oidc, key).await;
            found.map_err(|error| OAuthError::ours(&error))?
        }
        None => None,
    };
    let after = match form.get("post_logout_redirect_uri")? {
        None => None,
        Some(uri) => {
            let client = party.as_ref().and_then(|party| party.oidc()).ok_or(FOREIGN)?;
            let registered = client.post_logout_redirect_uris.iter().map(String::as_str);
            if !sso::redirect_uri::is_registered(registered, uri) {
                return Err(FOREIGN);
            }
            Some(match form.get("state")? {
                Some(state) if state.len() > LONGEST_STATE => {
                    return Err(OAuthError::invalid_request("The state is too long."));
                }
                Some(state) => with_query(uri, &[("state", state)]),
                None => uri.to_owned(),
            })
        }
    };
    Ok(Wanted { party, hint, after })
}

/// The session of this browser, whatever it was opened by.
async fn session(place: &Place, visit: &Visit) -> Result<Option<Session>, OAuthError> {
    match &visit.session {
        Some(cookie) => {
            let found = place.sso().auth().session(place.tenant, cookie.expose()).await;
            found.map_err(|error| OAuthError::ours(&error))
        }
        None => Ok(None),
    }
}

/// What the form of the question sends back: made by the tenant's key for this session's secret, so no page that was shown elsewhere has it.
async fn token(place: &Place, visit: &Visit, session: &Session) -> Result<String, OAuthError> {
    let secret = visit.session.as_ref().map(SecretString::expose).unwrap_or_default();
    let token = place.sso().auth().page_token(session, secret, "logout").await;
    token.map_err(|error| OAuthError::ours(&error))
}

/// Whether the hint was given in this session, or at least to this person.
async fn is_of(place: &Place, party: &RelyingParty, hint: &Hint, session: &Session) -> Result<bool, OAuthError> {
    let sso = place.sso();
    match &hint.sid {
        Some(sid) => {
            let participants = sso.participants(place.tenant, session.id()).await;
            let participants = participants.map_err(|error| OAuthError::ours(&error))?;
            Ok(participants
                .iter()
                .any(|participant| participant.party.ikey() == party.ikey() && &participant.sid == sid))
        }
        None => {
            let subject = sso.subject(session.user(), party).await;
            Ok(subject.map_err(|error| OAuthError::ours(&error))? == hint.sub)
        }
    }
}

fn again(form: &Form) -> Response {
    let params: Vec<(&str, &str)> = form
        .pairs()
        .iter()
        .filter(|(name, _)| name != "token")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    page::redirect(&with_query(super::LOGOUT, &params))
}
