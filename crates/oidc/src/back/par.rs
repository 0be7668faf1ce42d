//! `POST /oidc/par` (RFC 9126): a client sends its request ahead, so that the browser carries nothing but a name for it.

use super::{answer, client_auth, dpop, jar};
use crate::frame::{
    error::{Code, OAuthError, json_response},
    params::{Form, Source},
    place::{Asked, Place},
};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use sso::{
    Grants, RelyingParty,
    tokens::{Binding, PUSHED_LIFE},
};

/// Bytes of a request with a request object and an assertion in it.
const MOST: usize = 48 * 1024;
/// Bytes of the parameters that are kept.
const MOST_KEPT: usize = 8 * 1024;
/// What shows who asks, and isn't part of what is asked.
const OF_CLIENT: [&str; 4] = ["client_secret", "client_assertion", "client_assertion_type", "request"];

const UNKNOWN: OAuthError =
    OAuthError::new(Code::InvalidRequestUri, "The request_uri is not one of this client, was used, or is too old.");

/// The handler.
pub(super) async fn push(place: Place, asked: Asked) -> Response {
    let form = match Form::read_up_to(asked, Source::Body, MOST).await {
        Ok(form) => form,
        Err((parts, error)) => return answer::answer(&place, &parts.headers, Err(error)).await,
    };
    match pushed(&place, &form).await {
        Ok(body) => {
            let mut response = json_response(StatusCode::CREATED, &body);
            answer::finish(&place, &form.parts.headers, None, &mut response).await;
            response
        }
        Err(error) => answer::answer(&place, &form.parts.headers, Err(error)).await,
    }
}

async fn pushed(place: &Place, form: &Form) -> Result<Value, OAuthError> {
    let client = client_auth::client(place, form).await?;
    let settings = client.settings()?;
    if form.get("request_uri")?.is_some() {
        return Err(OAuthError::invalid_request("A pushed request has no request_uri."));
    }
    client.counted(place, &form.parts).await?;
    let mut pairs = match form.get("request")? {
        Some(request) => jar::read(place, &client.party, request).await?,
        None if settings.require_signed_request => {
            return Err(OAuthError::invalid_request("This client must sign its requests (RFC 9101)."));
        }
        None => form.pairs().iter().filter(|(name, _)| !OF_CLIENT.contains(&name.as_str())).cloned().collect(),
    };
    if !pairs.iter().any(|(name, _)| name == "client_id") {
        pairs.push(("client_id".to_owned(), client.party.key.clone()));
    }
    // RFC 9449 §10.1: who proves a key here binds the code to it.
    let proved = dpop::proved(place, form, super::PAR, settings).await?;
    if let Some(Binding::Key(key)) = proved {
        match pairs.iter().find(|(name, _)| name == "dpop_jkt") {
            Some((_, said)) if *said != key => {
                return Err(OAuthError::new(Code::InvalidDpopProof, "The dpop_jkt is not the key of the proof."));
            }
            Some(_) => {}
            None => pairs.push(("dpop_jkt".to_owned(), key)),
        }
    }
    if pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_KEPT {
        return Err(OAuthError::invalid_request("The parameters are longer than 8 KB."));
    }
    let form = Form::of(form.parts.clone(), pairs);
    crate::front::authorize::would_be_taken(place, &client.party, &form)?;
    let uri = place.sso().grants().push(&client.party, form.pairs()).await;
    let uri = uri.map_err(|error| OAuthError::ours(&error))?;
    Ok(json!({ "request_uri": uri, "expires_in": PUSHED_LIFE.as_secs() }))
}

/// The parameters that stand behind a `request_uri` of ours: once, and only for the client that pushed them.
pub(crate) async fn taken(place: &Place, party: &RelyingParty, uri: &str) -> Result<Vec<(String, String)>, OAuthError> {
    if !Grants::is_pushed(uri) {
        return Err(UNKNOWN);
    }
    let taken = place.sso().grants().pushed(party, uri).await;
    taken.map_err(|error| OAuthError::ours(&error))?.ok_or(UNKNOWN)
}
