//! `POST /oidc/revoke` (RFC 7009): a client is done with a token. It is told the same of a token that it had, that another has, and that nobody has.

use super::{answer, client_auth};
use crate::frame::{
    error::OAuthError,
    params::{Form, Source},
    place::{Asked, Place},
};
use axum::{body::Body, response::Response};
use http::StatusCode;

/// Bytes of a request.
const MOST: usize = 48 * 1024;

/// The handler. `token_type_hint` is a hint, and isn't needed.
pub(super) async fn revoke(place: Place, asked: Asked) -> Response {
    let form = match Form::read_up_to(asked, Source::Body, MOST).await {
        Ok(form) => form,
        Err((parts, error)) => return answer::answer(&place, &parts.headers, Err(error)).await,
    };
    match ended(&place, &form).await {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::OK;
            answer::finish(&place, &form.parts.headers, None, &mut response).await;
            response
        }
        Err(error) => answer::answer(&place, &form.parts.headers, Err(error)).await,
    }
}

async fn ended(place: &Place, form: &Form) -> Result<(), OAuthError> {
    let client = client_auth::client(place, form).await?;
    let token = form.required("token", "The token is missing.")?;
    let who = (client.party.ikey(), client.party.key.as_str());
    let done = place.sso().grants().revoke_token(place.tenant, who, &place.issuer, token).await;
    done.map_err(|error| OAuthError::ours(&error))
}
