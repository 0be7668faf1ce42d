//! Who comes with an access token (RFC 6750, RFC 9449 §7): for what this server itself gives to applications.

use super::{answer, dpop};
use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header, request::Parts};
use jose::Algorithms;
use sso::{
    Protocol, RelyingParty,
    tokens::{self, Access, BadToken, Proving, Scheme},
};
use std::sync::Arc;

const MISSING: OAuthError = OAuthError::new(Code::InvalidToken, "");
const WRONG: OAuthError =
    OAuthError::new(Code::InvalidToken, "The access token is unknown, expired, revoked, or not for this.");
const UNPROVED: OAuthError =
    OAuthError::new(Code::InvalidToken, "The access token is bound to a key that the request does not prove.");

/// The token of a request, with the client that has it: good at this moment, with the key that it is bound to, for this server and with this
/// scope. `body` is a token that came in a form (RFC 6750 §2.2).
pub(crate) async fn access(
    place: &Place,
    parts: &Parts,
    path: &str,
    body: Option<&str>,
    scope: &str,
) -> Result<(Access, Arc<RelyingParty>), OAuthError> {
    let (scheme, token) = match (header_of(parts)?, body) {
        (Some(found), None) => found,
        (None, Some(token)) => (Scheme::Bearer, token),
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("The access token is there twice.")),
        (None, None) => return Err(MISSING),
    };
    let ours = |error: sso::SsoError| OAuthError::ours(&error);
    let access = place.sso().grants().access(place.tenant, &place.issuer, token).await.map_err(ours)?.ok_or(WRONG)?;
    let party = place.sso().party(place.tenant, Protocol::Oidc, &access.client_id).await.map_err(ours)?;
    let party = party.filter(|party| party.app.enabled).ok_or(WRONG)?;
    let settings = party.oidc().ok_or(WRONG)?;
    let uri = place.url(path);
    let allowed = settings.proof_algorithms();
    let proving = Proving { parts, uri: &uri, token: Some(token), needs_nonce: false, allowed };
    let holds = place.sso().grants().holds(place.tenant, &access, settings, scheme, proving).await;
    if !holds.map_err(dpop::refused)? {
        return Err(UNPROVED);
    }
    if !access.resources.is_empty() && !access.resources.contains(&place.issuer) {
        return Err(WRONG);
    }
    if !access.scopes.iter().any(|one| one == scope) {
        return Err(OAuthError::new(Code::InsufficientScope, "The access token lacks a scope."));
    }
    Ok((access, party))
}

fn header_of(parts: &Parts) -> Result<Option<(Scheme, &str)>, OAuthError> {
    tokens::brought(&parts.headers).map_err(|error| match error {
        BadToken::Twice => OAuthError::invalid_request("There are two Authorization headers."),
        BadToken::Unreadable => WRONG,
    })
}

/// The refusal of a request that came with a token, or should have (RFC 6750 §3, RFC 9449 §7.1).
pub(crate) async fn refusal(place: &Place, parts: &Parts, error: OAuthError) -> Response {
    let mut response = answer::answer(place, &parts.headers, Err(error)).await;
    let about = if error == MISSING {
        // Who brought nothing is told nothing but how.
        None
    } else {
        Some(format!("error=\"{}\", error_description=\"{}\"", error.code.word(), error.description))
    };
    let of_token = matches!(
        error.code,
        Code::InvalidToken | Code::InsufficientScope | Code::InvalidDpopProof | Code::UseDpopNonce
    );
    if of_token {
        let headers = response.headers_mut();
        headers.remove(header::WWW_AUTHENTICATE);
        let bearer = about.as_ref().map_or_else(|| "Bearer".to_owned(), |about| format!("Bearer {about}"));
        let algorithms = format!("DPoP algs=\"{}\"", Algorithms::ASYMMETRIC.names().join(" "));
        let dpop = about.as_ref().map_or_else(|| algorithms.clone(), |about| format!("{algorithms}, {about}"));
        for challenge in [bearer, dpop] {
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                headers.append(header::WWW_AUTHENTICATE, value);
            }
        }
    }
    if matches!(error.code, Code::InvalidDpopProof | Code::UseDpopNonce) {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}
