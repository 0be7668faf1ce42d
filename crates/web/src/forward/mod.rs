//! The door for reverse proxies and for the browsers behind them; the rules are [`sso::forward`]'s.
//!
//! - `/forward-auth` is asked by the proxy about each request. `/forward-auth/nginx` says the same in the statuses that nginx understands.
//! - `/forward-auth/at/…` is reached by the browser at the application's own host, under `/.countersign/`, through the proxy.
//! - `/forward-auth/start` is reached by the browser at this host: it is where somebody signs in.

use crate::{
    Web,
    frame::{
        cookies,
        headers::Policy,
        trouble::Trouble,
        visit::{Visit, redirect, render, said, with_cookie},
    },
    session::prove_at,
    texts::Words,
};
use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, State},
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use sso::{
    Ask, RelyingParty, Stand, Visit as SsoVisit,
    forward::{ForwardAnswer, Forwarded, PASS, Peer, STATE},
};
use std::{sync::Arc, time::Duration};

/// Where the pages of ours are at the application's host.
const THERE: &str = "/.countersign";
/// How long somebody may take to sign in.
const STATE_LIFE: Duration = Duration::from_secs(900);
/// The longest address, in bytes.
const LONGEST: usize = 1500;
/// Says that a sign-in was tried.
const TRIED: &str = "tried";

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/forward-auth", any(ask))
        .route("/forward-auth/nginx", any(ask_by_status))
        .route("/forward-auth/start", get(start))
        .route("/forward-auth/at/begin", get(begin_there))
        .route("/forward-auth/at/callback", get(callback_there))
}

/// What a proxy has sent.
struct Asked {
    peer: Option<Peer>,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<Web>> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Web>) -> Result<Self, Self::Rejection> {
        Ok(Self { peer: parts.extensions.get::<Peer>().copied(), headers: parts.headers.clone() })
    }
}

/// `/forward-auth`, for Traefik and Caddy: 200 with headers, a redirect for a page, 401 for what isn't one, 403.
async fn ask(State(web): State<Arc<Web>>, visit: Visit, asked: Asked) -> Response {
    answer(&web, &visit, &asked, StatusCode::FOUND).await
}

/// `/forward-auth/nginx`: 200 with headers, 401 with the address to go to, 403.
async fn ask_by_status(State(web): State<Arc<Web>>, visit: Visit, asked: Asked) -> Response {
    answer(&web, &visit, &asked, StatusCode::UNAUTHORIZED).await
}

async fn answer(web: &Web, visit: &Visit, asked: &Asked, leads: StatusCode) -> Response {
    match decide(web, visit, asked, leads).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a proxy's question");
            StatusCode::FORBIDDEN.into_response()
        }
    }
}

async fn decide(web: &Web, visit: &Visit, asked: &Asked, leads: StatusCode) -> Result<Response, sso::SsoError> {
    let found = web.sso.forwarded(visit.tenant.id, asked.peer, &asked.headers).await?;
    let Ok((party, forwarded)) = found else { return Ok(StatusCode::FORBIDDEN.into_response()) };
    Ok(match web.sso.forward(&party, &forwarded, &asked.headers).await? {
        ForwardAnswer::Pass(headers) => {
            let mut response = StatusCode::OK.into_response();
            response.headers_mut().extend(headers);
            response
        }
        ForwardAnswer::SignIn if forwarded.opens => {
            let to = begin_at(&party, &forwarded.uri);
            let mut response = leads.into_response();
            if let Ok(to) = HeaderValue::from_str(&to) {
                response.headers_mut().insert(header::LOCATION, to);
            }
            response
        }
        ForwardAnswer::SignIn => StatusCode::UNAUTHORIZED.into_response(),
        ForwardAnswer::Denied => StatusCode::FORBIDDEN.into_response(),
    })
}

/// Where a sign-in to the application begins: at its own host, which gets a secret first.
fn begin_at(party: &RelyingParty, uri: &str) -> String {
    let uri = if uri.len() <= LONGEST { uri } else { "/" };
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("to", uri).finish();
    format!("{}{THERE}/begin?{query}", origin(party))
}

fn origin(party: &RelyingParty) -> &str {
    party.forward().map(|host| host.origin.as_str()).unwrap_or_default()
}

/// A request of a browser at the application's host.
async fn there(web: &Web, visit: &Visit, asked: &Asked) -> Result<(Arc<RelyingParty>, Forwarded), Trouble> {
    web.sso.forwarded(visit.tenant.id, asked.peer, &asked.headers).await?.map_err(|_| Trouble::NotFound)
}

/// A page that loads nothing: at the application's host the files of ours aren't there.
#[derive(Template)]
#[template(path = "doors/bare.html")]
struct Bare<'a> {
    words: &'a Words,
    title: String,
    text: String,
}

/// What goes wrong at the application's host.
fn plainly(visit: &Visit, done: Result<Response, Trouble>) -> Response {
    done.unwrap_or_else(|trouble| {
        let title = visit.words.say(&format!("{}-title", trouble.key()));
        let bare = Bare { words: &visit.words, title, text: said(&visit.words, &trouble) };
        render(trouble.status(), &bare, Policy { nothing: true, ..Policy::default() })
    })
}

/// `https://{application}/.countersign/begin`.
async fn begin_there(State(web): State<Arc<Web>>, visit: Visit, asked: Asked) -> Response {
    plainly(&visit, begin(&web, &visit, &asked).await)
}

/// `https://{application}/.countersign/callback`.
async fn callback_there(State(web): State<Arc<Web>>, visit: Visit, asked: Asked) -> Response {
    plainly(&visit, callback(&web, &visit, &asked).await)
}

/// What a browser keeps, as it may be known elsewhere.
fn hash(state: &str) -> String {
    BASE64URL_NOPAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, state.as_bytes()).as_ref())
}

/// `?to=…`: leaves a secret in this browser, and goes to where somebody signs in.
async fn begin(web: &Web, visit: &Visit, asked: &Asked) -> Result<Response, Trouble> {
    let (party, _) = there(web, visit, asked).await?;
    let to = visit.asked("to").filter(|to| to.len() <= LONGEST && auth::sign_in::is_local_path(to)).unwrap_or("/");
    let state = BASE64URL_NOPAD.encode(&web.auth.world().bytes::<32>());
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("to", &format!("{}{to}", origin(&party)))
        .append_pair("state", &hash(&state))
        .finish();
    let issuer = web.public_origin(&visit.tenant.api_host);
    let response = redirect(&format!("{issuer}/forward-auth/start?{query}"));
    Ok(with_cookie(response, cookies::set(STATE, &state, STATE_LIFE, true)))
}

/// `GET /forward-auth/start?to=…&state=…` at this host: signs in, and carries the session over.
async fn start(State(web): State<Arc<Web>>, visit: Visit) -> Result<Response, Trouble> {
    let to = visit.asked("to").ok_or(Trouble::Malformed)?;
    let state = visit.asked("state").filter(|state| state.len() == 43).ok_or(Trouble::Malformed)?;
    let target = web.sso.forward_target(visit.tenant.id, to).await?;
    let (party, path) = target.ok_or(Trouble::NotFound)?;
    let here: SsoVisit = visit.for_sso();
    let ask = Ask::default();
    Ok(match web.sso.stand(&here, &party, &ask).await? {
        Stand::Signed(signed) => {
            let code = web.sso.hand_over(&signed, &party, state).await?.ok_or(Trouble::Expired)?;
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", code.expose())
                .append_pair("to", &path)
                .finish();
            redirect(&format!("{}{THERE}/callback?{query}", origin(&party)))
        }
        Stand::Prove => redirect(&prove_at(&visit.address)),
        Stand::SignIn(who) if visit.asked(TRIED).is_none() => {
            let back = format!("{}&{TRIED}=1", visit.address);
            let opened = web.sso.send_to_sign_in(&here, &party, &ask, who, &back).await?;
            with_cookie(redirect(&SsoVisit::sign_in_path(&opened)), here.sign_in_cookie(&opened))
        }
        Stand::SignIn(_) | Stand::Consent(_) | Stand::Denied(_) => return Err(Trouble::Refused),
    })
}

/// `?code=…&to=…`: takes the session over, once, in the browser that began.
async fn callback(web: &Web, visit: &Visit, asked: &Asked) -> Result<Response, Trouble> {
    let (party, forwarded) = there(web, visit, asked).await?;
    let to = visit.asked("to").filter(|to| auth::sign_in::is_local_path(to)).ok_or(Trouble::Malformed)?;
    let code = visit.asked("code").ok_or(Trouble::Malformed)?;
    let state = visit.cookies.get(STATE).ok_or(Trouble::OtherBrowser)?;
    let taken = web.sso.take_over(&party, &forwarded, code, &hash(state)).await?;
    let (pass, life) = taken.ok_or(Trouble::Expired)?;
    let mut response = redirect(to);
    // Nobody on the way keeps what opens something.
    response.headers_mut().insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    let response = with_cookie(response, cookies::set(PASS, pass.expose(), life, true));
    Ok(with_cookie(response, cookies::forget(STATE, true)))
}
