//! `GET` and `POST /oidc/userinfo` (OpenID Connect Core §5.3): what an access token lets its client know of its person, now: who may not use
//! the application any more is nobody here.

use super::{authorize::claims_parameter::Wishes, id_token};
use crate::{
    back::{answer, bearer},
    frame::{
        error::{Code, OAuthError, json_response},
        params::{Form, Source},
        place::{Asked, Place},
    },
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::Value;

const WRONG: OAuthError =
    OAuthError::new(Code::InvalidToken, "The access token is unknown, expired, revoked, or not for this.");

/// The endpoint.
pub(super) async fn userinfo(place: Place, asked: Asked) -> Response {
    let (parts, token) = match presented(asked).await {
        Ok(read) => read,
        Err((parts, error)) => return bearer::refusal(&place, &parts, error).await,
    };
    match tell(&place, &parts, token.as_deref()).await {
        Ok(mut response) => {
            answer::finish(&place, &parts.headers, None, &mut response).await;
            response
        }
        Err(error) => bearer::refusal(&place, &parts, error).await,
    }
}

/// The token of a form's body, if there is one (RFC 6750 §2.2). One in the address is none: addresses end in logs.
async fn presented(asked: Asked) -> Result<(Parts, Option<String>), (Parts, OAuthError)> {
    let kind = asked.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if *asked.method() != Method::POST || !kind.starts_with(b"application/x-www-form-urlencoded") {
        return Ok((asked.into_parts().0, None));
    }
    let form = Form::read(asked, Source::Body).await?;
    match form.get("access_token") {
        Ok(token) => {
            let token = token.map(str::to_owned);
            Ok((form.parts, token))
        }
        Err(error) => Err((form.parts, error)),
    }
}

async fn tell(place: &Place, parts: &Parts, body: Option<&str>) -> Result<Response, OAuthError> {
    let (access, party) = bearer::access(place, parts, super::USERINFO, body, "openid").await?;
    let sso = place.sso();
    let user = access.user.ok_or(WRONG)?;
    let person =
        sso.still(&party, user, access.session).await.map_err(|error| OAuthError::ours(&error))?.ok_or(WRONG)?;
    let names = Wishes::kept(access.granted.as_ref().and_then(|granted| granted.claims.as_ref())).userinfo_names();
    let claims = id_token::userinfo(sso, &party, &person, &access.scopes, &names).await;
    let mut claims = claims.map_err(|error| OAuthError::ours(&error))?;
    let Some(alg) = party.oidc().and_then(|client| client.userinfo_alg.as_deref()) else {
        return Ok(json_response(StatusCode::OK, &Value::Object(claims)));
    };
    claims.insert("iss".to_owned(), place.issuer.as_str().into());
    claims.insert("aud".to_owned(), party.key.as_str().into());
    let signed = id_token::sign_by(sso, &party, alg, "JWT", &claims).await.map_err(|error| OAuthError::ours(&error))?;
    let mut response = Response::new(Body::from(signed));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    async fn read(request: http::request::Builder, body: &str) -> Result<Option<String>, Code> {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        presented(request).await.map(|(_, token)| token).map_err(|(_, error)| error.code)
    }

    #[tokio::test]
    async fn a_token_is_never_in_the_address_and_never_there_twice() {
        assert_eq!(read(Request::get("/oidc/userinfo?access_token=q"), "").await, Ok(None));
        let post = |uri: &str| Request::post(uri).header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(read(post("/oidc/userinfo"), "access_token=t").await, Ok(Some("t".to_owned())));
        assert_eq!(read(post("/oidc/userinfo"), "access_token=t&access_token=t").await, Err(Code::InvalidRequest));
        assert_eq!(read(post("/oidc/userinfo?access_token=q"), "").await, Err(Code::InvalidRequest));
    }
}
