//! `GET` and `POST /oidc/userinfo` (OpenID Connect Core §5.3): what an access token lets its client know of its person, now: who may not use
//! the application any more is nobody here.

use super::{authorize::claims_parameter::Wishes, id_token};
use crate::frame::{
    error::{Code, OAuthError, json_response},
    headers::readable_everywhere,
    params::{Form, Source},
    place::{Asked, Place},
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::Value;
use sso::tokens::{Access, Binding};

/// The longest access token.
const LONGEST: usize = 8 * 1024;

const NO_TOKEN: OAuthError = OAuthError::new(Code::InvalidToken, "");
const WRONG: OAuthError = OAuthError::new(Code::InvalidToken, "The access token is not one that counts here.");

/// The endpoint.
pub(super) async fn userinfo(place: Place, asked: Asked) -> Response {
    let mut response = match answer(&place, asked).await {
        Ok(response) => response,
        Err((error, scheme)) => refusal(error, scheme),
    };
    readable_everywhere(response.headers_mut());
    let told = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce");
    response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, told);
    response
}

/// What a browser asks before a script of another origin may ask.
pub(super) async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    readable_everywhere(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, DPoP, Content-Type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

async fn answer(place: &Place, asked: Asked) -> Result<Response, (OAuthError, Scheme)> {
    let (parts, token, scheme) = presented(asked).await.map_err(|error| (error, Scheme::Bearer))?;
    tell(place, &parts, &token, scheme).await.map_err(|error| (error, scheme))
}

/// The token, from the one place where it stands (RFC 6750 §2; never from the address).
async fn presented(asked: Asked) -> Result<(Parts, String, Scheme), OAuthError> {
    let mut lines = asked.headers().get_all(header::AUTHORIZATION).iter();
    let given = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(line), None) => Some(authorization(line).ok_or(WRONG)?),
        _ => return Err(OAuthError::invalid_request("There are two Authorization headers.")),
    };
    let form = asked
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if *asked.method() != Method::POST || !form {
        let (parts, _) = asked.into_parts();
        let (token, scheme) = given.ok_or(NO_TOKEN)?;
        return Ok((parts, token, scheme));
    }
    let form = Form::read(asked, Source::Body).await.map_err(|(_, error)| error)?;
    let body = form.get("access_token")?.map(str::to_owned);
    match (given, body) {
        (Some(_), Some(_)) => Err(OAuthError::invalid_request("The access token is presented twice.")),
        (Some((token, scheme)), None) => Ok((form.parts, token, scheme)),
        (None, Some(token)) => Ok((form.parts, token, Scheme::Bearer)),
        (None, None) => Err(NO_TOKEN),
    }
}

fn authorization(line: &HeaderValue) -> Option<(String, Scheme)> {
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        scheme if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return None,
    };
    let fits = !token.is_empty() && token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| (token.to_owned(), scheme))
}

async fn tell(place: &Place, parts: &Parts, token: &str, scheme: Scheme) -> Result<Response, OAuthError> {
    let sso = place.sso();
    let access =
        sso.grants().access(place.tenant, &place.issuer, token).await.map_err(|error| OAuthError::ours(&error))?;
    let access = access.ok_or(WRONG)?;
    let proven = crate::back::dpop::proven(place, parts, super::USERINFO, Some(token)).await?;
    is_holder(&access, proven.as_ref(), scheme)?;
    // A token for somebody else's resource is none for this one.
    let here = access.resources.is_empty() || access.resources.iter().any(|resource| *resource == place.issuer);
    let (Some(user), Some(ikey), true) = (access.user, access.ikey.as_deref(), here) else { return Err(WRONG) };
    if !access.scopes.iter().any(|scope| scope == "openid") {
        return Err(OAuthError::new(Code::InsufficientScope, "The access token is not for the scope openid."));
    }
    let party = sso.party_of(place.tenant, ikey).await.map_err(|error| OAuthError::ours(&error))?.ok_or(WRONG)?;
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

/// Whether who presents a token holds the key that it is bound to, and presents it as what it is (RFC 9449 §7.1, RFC 8705 §3).
fn is_holder(access: &Access, proven: Option<&Binding>, scheme: Scheme) -> Result<(), OAuthError> {
    match (&access.binding, scheme) {
        (None, Scheme::Bearer) => Ok(()),
        (Some(Binding::Key(_)), Scheme::Dpop) | (Some(Binding::Certificate(_)), Scheme::Bearer)
            if access.binding.as_ref() == proven =>
        {
            Ok(())
        }
        _ => Err(OAuthError::new(Code::InvalidToken, "The access token is bound to a key that was not shown.")),
    }
}

/// RFC 6750 §3, RFC 9449 §7.1.
fn refusal(error: OAuthError, scheme: Scheme) -> Response {
    let mut response = error.json();
    let name = if scheme == Scheme::Dpop { "DPoP" } else { "Bearer" };
    let algs = if scheme == Scheme::Dpop { ", algs=\"ES256 EdDSA Ed25519 PS256 RS256\"" } else { "" };
    // Who presents nothing is told nothing but the scheme.
    let line = if error == NO_TOKEN {
        format!("{name} realm=\"userinfo\"")
    } else {
        format!(
            "{name} realm=\"userinfo\", error=\"{}\", error_description=\"{}\"{algs}",
            error.code.word(),
            error.description
        )
    };
    if let (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST, Ok(line)) =
        (response.status(), HeaderValue::from_str(&line))
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, line);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    async fn read(request: http::request::Builder, body: &str) -> Result<(String, Scheme), Code> {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        presented(request).await.map(|(_, token, scheme)| (token, scheme)).map_err(|error| error.code)
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

    #[tokio::test]
    async fn a_token_is_presented_once_and_never_in_the_address() {
        let get = || Request::get("/oidc/userinfo?access_token=q");
        assert_eq!(read(get(), "").await, Err(Code::InvalidToken));
        assert_eq!(read(get().header("authorization", "Bearer t"), "").await, Ok(("t".to_owned(), Scheme::Bearer)));
        assert_eq!(read(get().header("authorization", "dpop t"), "").await, Ok(("t".to_owned(), Scheme::Dpop)));
        let post = || Request::post("/oidc/userinfo").header(FORM.0, FORM.1);
        assert_eq!(read(post(), "access_token=t").await, Ok(("t".to_owned(), Scheme::Bearer)));
        assert_eq!(read(post().header("authorization", "Bearer t"), "").await, Ok(("t".to_owned(), Scheme::Bearer)));
        assert_eq!(read(post().header("authorization", "Bearer t"), "access_token=t").await, Err(Code::InvalidRequest));
        assert_eq!(read(post(), "access_token=t&access_token=t").await, Err(Code::InvalidRequest));
        for wrong in ["Bearer", "Bearer ", "Basic t", "Bearer a b", "t"] {
            assert_eq!(read(get().header("authorization", wrong), "").await, Err(Code::InvalidToken), "{wrong}");
        }
        let two = get().header("authorization", "Bearer t").header("authorization", "Bearer t");
        assert_eq!(read(two, "").await, Err(Code::InvalidRequest));
    }
}
