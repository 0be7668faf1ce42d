//! `POST /oauth/v1/token`: an application turns the code that its user's browser brought into what happened at the sign-in.

use super::{
    assertion::{self, ProvenClient},
    error::{self, OAuthError, internal, slow_down},
    form::Form,
    id_token,
};
use crate::door::Door;
use ::auth::AuthError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::json;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Characters of a code. Ours are shorter.
const LONGEST_CODE: usize = 512;

/// Parameters: `grant_type`, `code`, `redirect_uri`, `client_assertion_type`, `client_assertion`, and `client_id`, which may be
/// missing.
pub(super) async fn token(door: &Door, form: &Form) -> Result<Response, OAuthError> {
    match form.required("grant_type", "The grant_type is missing.")? {
        "authorization_code" => {}
        _ => return Err(OAuthError::UnsupportedGrantType),
    }
    if form.required("client_assertion_type", "The client_assertion_type is missing.")? != ASSERTION_TYPE {
        return Err(OAuthError::InvalidRequest("The client_assertion_type must be that of a JWT."));
    }
    let code = form.required("code", "The code is missing.")?;
    let redirect_uri = form.required("redirect_uri", "The redirect_uri is missing.")?;
    let client = assertion::prove(door, form, super::TOKEN).await?;
    if code.len() > LONGEST_CODE {
        return Err(OAuthError::InvalidGrant);
    }
    let redeemed = door.auth.redeem(&client.app, code, redirect_uri).await.map_err(refused)?;
    let ProvenClient { app, host } = client;
    let now = door.auth.world().now();
    let id_token = id_token::make(&app, &host, &redeemed, now).map_err(|error| {
        tracing::error!(%error, "an id token could not be made");
        OAuthError::Internal
    })?;
    let body = json!({
        "access_token": assertion::opaque(door.auth.world()).expose(),
        "expires_in": id_token::LIFE.as_secs(),
        "id_token": id_token,
        "token_type": "Bearer",
    });
    let mut response = body.to_string().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    error::secure(response.headers_mut());
    Ok(response)
}

/// An error that isn't the code's fault is ours, and never a token.
fn refused(error: AuthError) -> OAuthError {
    match error {
        AuthError::Refused(_) | AuthError::NoUser => OAuthError::InvalidGrant,
        AuthError::Limited { retry_after } => slow_down(retry_after),
        other => internal(&other),
    }
}
