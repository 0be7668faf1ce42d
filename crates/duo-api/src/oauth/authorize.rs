//! `GET` and `POST /oauth/v1/authorize`: an application's user comes here with the application's signed request, and goes on to the
//! sign-in.

use super::{
    Scheme,
    assertion::{self, refused},
    error::{self, OAuthError, internal, slow_down},
    form::Form,
    redirect,
};
use crate::{
    door::Door,
    wire::{
        Verdict,
        jwt::{self, Audience, JwtError, NumericDate, UnverifiedJwt},
    },
};
use ::auth::{
    Application, AuthError, Client,
    sign_in::{self, Browser, Opened, Purpose},
};
use axum::{
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{HOST, LOCATION, SET_COOKIE, USER_AGENT},
    request::Parts,
};
use serde::{Deserialize, Deserializer, de::Error};
use std::net::SocketAddr;
use types::Millis;

/// Characters of a state and of a nonce (`MINIMUM_STATE_LENGTH`, `MAXIMUM_STATE_LENGTH` of Duo's clients).
const STATE: std::ops::RangeInclusive<usize> = 16..=1024;
/// Bytes of what a browser calls itself that are kept.
const AGENT_KEPT: usize = 512;
/// So many sign-ins one signed request opens: a person goes back and forth, a flood doesn't fill the store.
const OPENINGS: u8 = 20;

/// The signed request. `iss`, `aud`, `nonce` and `use_duo_code_attribute` may be missing (Duo's Postman collection; Java sends the
/// first two never, C# the last only when it is wanted).
#[derive(Deserialize)]
struct Claims {
    response_type: String,
    scope: String,
    client_id: String,
    redirect_uri: String,
    state: String,
    duo_uname: String,
    exp: NumericDate,
    iss: Option<String>,
    aud: Option<Audience>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    nonce: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    use_duo_code_attribute: bool,
}

/// `true` as most clients write it, `"true"` as C# does, 1 as some of others' do.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Null => Ok(false),
        serde_json::Value::Bool(yes) => Ok(yes),
        serde_json::Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
        serde_json::Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
        serde_json::Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        serde_json::Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(D::Error::custom("neither true nor false")),
    }
}

/// Parameters: `client_id`, `response_type`, `request`; what else the clients repeat beside the signed request must say the same.
/// A `nonce` may stand outside alone, as Python sends it: who changes it changes what the application will not find in its token.
pub(super) async fn authorize(door: &Door, scheme: Scheme, form: &Form) -> Result<Response, OAuthError> {
    let named = form.required("client_id", "The client_id is missing.")?;
    let request = form.required("request", "The request is missing.")?;
    let app = assertion::application(door, named).await?;
    let claims: Claims = UnverifiedJwt::read(request)
        .and_then(|unverified| unverified.verify(&app.secret))
        .map_err(refused)?
        .into_claims();
    is_from(&claims, &app, door.auth.world().now()).map_err(refused)?;
    assertion::may_sign_in(&app)?;
    let nonce = accept(form, &claims)?;
    redirect::check(&app, &claims.redirect_uri)?;
    let host = own_host(&form.parts, &app)?;
    may_open(door, request, claims.exp)?;
    let purpose = Purpose::Application {
        redirect_uri: claims.redirect_uri,
        state: claims.state,
        nonce,
        duo_code: claims.use_duo_code_attribute,
    };
    let browser = browser(&form.parts, scheme, host);
    let opened = door.auth.open_sign_in(&app, Some(&claims.duo_uname), purpose, &browser).await.map_err(not_opened)?;
    go_on(&form.parts.method, scheme, &opened)
}

/// Whether the client made this request, for this server, for now.
fn is_from(claims: &Claims, app: &Application, now: Millis) -> Result<(), JwtError> {
    if claims.client_id != app.ikey {
        return Err(JwtError::Claim("client_id"));
    }
    if claims.iss.as_deref().is_some_and(|issuer| issuer != app.ikey) {
        return Err(JwtError::Claim("iss"));
    }
    jwt::check_times(claims.exp, claims.iat, claims.nbf, now)?;
    let Some(audience) = &claims.aud else { return Ok(()) };
    let ours = |path| audience.names().any(|aud| jwt::host_of_audience(aud, path, &app.api_host).is_some());
    // C# names the endpoint, all others the host.
    if ours("") || ours(super::AUTHORIZE) { Ok(()) } else { Err(JwtError::Claim("aud")) }
}

/// Whether the request can be served, and whether what stands outside the signature says the same. Gives the nonce.
fn accept(form: &Form, claims: &Claims) -> Result<Option<String>, OAuthError> {
    for (name, signed) in [
        ("response_type", &claims.response_type),
        ("scope", &claims.scope),
        ("redirect_uri", &claims.redirect_uri),
        ("state", &claims.state),
        ("duo_uname", &claims.duo_uname),
    ] {
        if form.get(name)?.is_some_and(|sent| sent != signed.as_str()) {
            return Err(OAuthError::InvalidRequest("A parameter differs from the signed request."));
        }
    }
    if claims.response_type != "code" {
        return Err(OAuthError::UnsupportedResponseType);
    }
    if !claims.scope.split(' ').any(|scope| scope == "openid") {
        return Err(OAuthError::InvalidScope);
    }
    // RFC 6749 appendix A.5.
    let visible = |text: &str| STATE.contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if !visible(&claims.state) {
        return Err(OAuthError::InvalidRequest("The state must have 16 to 1024 characters."));
    }
    if claims.duo_uname.trim().is_empty() {
        return Err(OAuthError::InvalidRequest("The duo_uname is missing."));
    }
    let nonce = match (form.get("nonce")?, claims.nonce.as_deref().filter(|nonce| !nonce.is_empty())) {
        (Some(sent), Some(signed)) if sent != signed => {
            return Err(OAuthError::InvalidRequest("A parameter differs from the signed request."));
        }
        (sent, signed) => signed.or(sent),
    };
    match nonce {
        Some(nonce) if !visible(nonce) => Err(OAuthError::InvalidRequest("The nonce must have 16 to 1024 characters.")),
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

/// The host by which the browser came, which must be the organisation's: the sign-in's cookie, its pages and its passkeys belong to
/// that name.
fn own_host<'a>(parts: &'a Parts, app: &Application) -> Result<&'a str, OAuthError> {
    const FOREIGN: OAuthError =
        OAuthError::InvalidRequest("This host is not the one of the application's organisation.");
    let mut sent = parts.headers.get_all(HOST).iter();
    let host = sent.next().and_then(|host| host.to_str().ok()).filter(|_| sent.next().is_none()).ok_or(FOREIGN)?;
    jwt::host_of_audience(&format!("https://{host}"), "", &app.api_host).map(|_| host).ok_or(FOREIGN)
}

/// Whether this signed request may open one more sign-in. Counted on each node for itself.
fn may_open(door: &Door, request: &str, expires: NumericDate) -> Result<(), OAuthError> {
    let (until, now) = (expires.millis() + jwt::LEEWAY, door.auth.world().now());
    let fresh = |n| {
        let name = assertion::digest(&[b"authorize", request.as_bytes(), &[n]]);
        door.assertions.accept_name(&name, until, now) == Verdict::Fresh
    };
    if (0..OPENINGS).any(fresh) { Ok(()) } else { Err(OAuthError::SlowDown(60)) }
}

/// What is known of the browser. Its cookies are read where something depends on them, at the pages.
fn browser(parts: &Parts, scheme: Scheme, host: &str) -> Browser {
    let scheme = if scheme == Scheme::Https { "https" } else { "http" };
    let client: Option<&ConnectInfo<SocketAddr>> = parts.extensions.get();
    Browser {
        client: Client { ip: client.map(|ConnectInfo(address)| address.ip()), ..Client::default() },
        user_agent: agent(&parts.headers),
        known: None,
        trusted: None,
        session: None,
        origin: format!("{scheme}://{}", host.to_ascii_lowercase()),
    }
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().take(AGENT_KEPT).collect()
}

fn go_on(method: &Method, scheme: Scheme, opened: &Opened) -> Result<Response, OAuthError> {
    let name = sign_in::cookie_name(opened.id, scheme == Scheme::Https);
    let secure = if scheme == Scheme::Https { "Secure; " } else { "" };
    let life = sign_in::SIGN_IN_LIFE.as_secs();
    // Lax: the browser comes from another site, and must bring it to the next page already.
    let cookie = format!("{name}={}; Path=/; Max-Age={life}; {secure}HttpOnly; SameSite=Lax", opened.browser.expose());
    let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| OAuthError::Internal)?;
    cookie.set_sensitive(true);
    let location = HeaderValue::from_str(&format!("/sign-in/{}", opened.id)).map_err(|_| OAuthError::Internal)?;
    // What came by POST goes on by GET.
    let status = if *method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::FOUND };
    let mut response = status.into_response();
    error::secure(response.headers_mut());
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

fn not_opened(error: AuthError) -> OAuthError {
    match error {
        AuthError::UserName(_) | AuthError::NoUser => {
            OAuthError::InvalidRequest("The duo_uname can not be a user's name.")
        }
        AuthError::Limited { retry_after } => slow_down(retry_after),
        AuthError::Refused(why) => {
            tracing::info!(why, "a sign-in was not opened");
            OAuthError::UnauthorizedClient
        }
        other => internal(&other),
    }
}
