//! The demo's second web application, which signs people in by OpenID Connect: code with PKCE, an id token that is verified by the
//! published keys, and a way out that the first page of the sign-in's own hears of, and the other way round (front-channel logout).
//!
//! It knows of Countersign what `countersign app add oidc` prints, and no more. Browsers and it find the server by http on this machine,
//! which is where the demo's pages are; anywhere else an issuer is `https`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    extract::{RawQuery, State},
    response::Response,
    routing::get,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jose::{Algorithms, Audience, Expect, JwkSet, KeySet, verify_jwt};
use serde_json::{Map, Value};
use types::{SecretString, World};

use super::application::{Look, Shown, escaped, field, redirect};

/// What a session of a browser is called.
const COOKIE: &str = "demo-wiki";
/// So many people may be on their way, or signed in, at once; then all of them begin again.
const MOST: usize = 1000;
/// Longer than the server takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it was told when it was connected.
pub(super) struct Client {
    /// `http://localhost:port` of the sign-in pages.
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) secret: SecretString,
    /// Where this application is, without a slash at its end.
    pub(super) home: String,
}

/// The application.
pub(super) struct Wiki {
    client: Client,
    look: Look,
    http: reqwest::Client,
    world: World,
    /// Who is on the way to the sign-in page, by what their browser holds.
    waiting: Mutex<HashMap<String, Waiting>>,
    /// Who is signed in.
    sessions: Mutex<HashMap<String, Map<String, Value>>>,
}

struct Waiting {
    state: String,
    nonce: String,
    verifier: String,
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its routes.
pub(super) fn routes(wiki: Arc<Wiki>) -> Router {
    Router::new()
        .route("/wiki", get(page))
        .route("/wiki/sign-in", get(sign_in))
        .route("/wiki/callback", get(callback))
        .route("/wiki/signed-out", get(signed_out))
        .with_state(wiki)
}

impl Wiki {
    pub(super) fn new(client: Client, look: Look, world: World) -> anyhow::Result<Self> {
        // On this machine, and no further.
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { client, look, http, world, waiting: Mutex::default(), sessions: Mutex::default() })
    }

    fn secret(&self) -> String {
        BASE64URL_NOPAD.encode(&self.world.bytes::<32>())
    }

    fn callback(&self) -> String {
        format!("{}/wiki/callback", self.client.home)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Map<String, Value>> {
        held(&self.sessions).get(&super::application::cookie(headers, COOKIE)?).cloned()
    }

    fn failure(&self, status: StatusCode, why: &str) -> Response {
        let main =
            format!("<p id=\"error\">{}</p>\n<p><a href=\"/wiki\">Back to the first page</a></p>\n", escaped(why));
        self.look.page(&Shown { status, title: "Not signed in", main })
    }

    /// What a code is worth: the claims of its id token, and what is told beside of the person.
    async fn redeemed(&self, code: &str, waiting: &Waiting) -> anyhow::Result<Map<String, Value>> {
        let Client { issuer, client_id, secret, .. } = &self.client;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.callback()),
            ("code_verifier", &waiting.verifier),
        ];
        let asked = self.http.post(format!("{issuer}/oidc/token")).basic_auth(client_id, Some(secret.expose()));
        let answer: Value = asked.form(&form).send().await?.json().await.context("no JSON from the token endpoint")?;
        let token = answer.get("id_token").and_then(Value::as_str);
        let token = token.with_context(|| format!("no id token: {}", text(&answer, "error")))?;
        let keys = self.http.get(format!("{issuer}/oidc/jwks")).send().await?.bytes().await?;
        let keys = KeySet::from_jwks(&JwkSet::parse(&keys)?);
        let audience = [client_id.as_str()];
        let expect = Expect::new(issuer, Audience::Only(&audience), self.world.now());
        let mut claims = verify_jwt::<Map<String, Value>>(token, &keys, Algorithms::ASYMMETRIC, &expect)?.into_claims();
        let nonce = claims.get("nonce").and_then(Value::as_str);
        ensure!(nonce == Some(&waiting.nonce), "the id token is another sign-in's");
        // What the person is called is told there, and only of the very person whom the id token names (OpenID Connect Core §5.3.2).
        let access = text(&answer, "access_token");
        let asked = self.http.get(format!("{issuer}/oidc/userinfo")).bearer_auth(access);
        let person: Map<String, Value> = asked.send().await?.json().await.context("no JSON from userinfo")?;
        ensure!(person.get("sub") == claims.get("sub"), "userinfo is somebody else's");
        claims.extend(person);
        Ok(claims)
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `GET /wiki`.
async fn page(State(wiki): State<Arc<Wiki>>, headers: HeaderMap) -> Response {
    let main = match wiki.session(&headers) {
        Some(claims) => {
            let of = |name| escaped(claims.get(name).and_then(Value::as_str).unwrap_or("–"));
            let how = claims.get("amr").map(Value::to_string).unwrap_or_default();
            let all = escaped(&serde_json::to_string_pretty(&claims).unwrap_or_default());
            let out = form_urlencoded::Serializer::new(String::new())
                .append_pair("client_id", &wiki.client.client_id)
                .append_pair("post_logout_redirect_uri", &format!("{}/wiki", wiki.client.home))
                .finish();
            format!(
                "<p>You are <b id=\"signed-in\">{}</b>, signed in by OpenID Connect.</p>\n<dl>\n<dt>Level</dt><dd id=\"acr\">{}</dd>\n\
                 <dt>By</dt><dd>{}</dd>\n</dl>\n<p><a id=\"out\" href=\"{}/oidc/logout?{}\">Sign out everywhere</a></p>\n\
                 <details><summary>Everything that the application was told</summary><pre id=\"claims\">{all}</pre></details>\n",
                of("preferred_username"),
                of("acr"),
                escaped(&how),
                escaped(&wiki.client.issuer),
                escaped(&out),
            )
        }
        None => format!(
            "<p id=\"signed-out\">An application that signs people in by OpenID Connect. It was connected as this command would have \
             done it:</p>\n<pre>{}</pre>\n<p><a href=\"/wiki/sign-in\">Sign in</a></p>\n",
            escaped(&command(&wiki.client.home))
        ),
    };
    wiki.look.page(&Shown { status: StatusCode::OK, title: "Demo wiki", main })
}

/// What connects such an application.
pub(super) fn command(home: &str) -> String {
    format!(
        "countersign app add oidc \"Demo wiki\" --url {home}/wiki \\\n    -o redirect={home}/wiki/callback -o post-logout={home}/wiki \\\n    \
         -o frontchannel-logout={home}/wiki/signed-out"
    )
}

/// `GET /wiki/sign-in`: off to the sign-in page. Also where the launcher begins (OpenID Connect Core §4).
async fn sign_in(State(wiki): State<Arc<Wiki>>) -> Response {
    let (session, waiting) =
        (wiki.secret(), Waiting { state: wiki.secret(), nonce: wiki.secret(), verifier: wiki.secret() });
    let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, waiting.verifier.as_bytes()).as_ref());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &wiki.client.client_id)
        .append_pair("redirect_uri", &wiki.callback())
        .append_pair("scope", "openid profile email")
        .append_pair("state", &waiting.state)
        .append_pair("nonce", &waiting.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    {
        let mut all = held(&wiki.waiting);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(session.clone(), waiting);
    }
    with_session(redirect(&format!("{}/oidc/authorize?{query}", wiki.client.issuer)), &session)
}

fn with_session(mut response: Response, session: &str) -> Response {
    let cookie = format!("{COOKIE}={session}; Path=/wiki; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /wiki/callback`: back again.
async fn callback(State(wiki): State<Arc<Wiki>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let given = |name| field(query.as_bytes(), name).unwrap_or_default();
    // A session waits for one callback.
    let waiting = super::application::cookie(&headers, COOKIE).and_then(|session| held(&wiki.waiting).remove(&session));
    let Some(waiting) = waiting else {
        return wiki.failure(StatusCode::BAD_REQUEST, "This browser has not begun to sign in here.");
    };
    let right = types::ct_eq(given("state").as_bytes(), waiting.state.as_bytes());
    // RFC 9207: the answer says whose it is.
    if !right || given("iss") != wiki.client.issuer {
        return wiki.failure(StatusCode::BAD_REQUEST, "The answer is not one to what was asked.");
    }
    let error = given("error");
    if !error.is_empty() {
        return wiki.failure(StatusCode::FORBIDDEN, &format!("{error} {}", given("error_description")));
    }
    match wiki.redeemed(&given("code"), &waiting).await {
        Ok(claims) => {
            let session = HEXLOWER.encode(&wiki.world.bytes::<18>());
            let mut all = held(&wiki.sessions);
            if all.len() >= MOST {
                all.clear();
            }
            all.insert(session.clone(), claims);
            drop(all);
            with_session(redirect("/wiki"), &session)
        }
        Err(error) => wiki.failure(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

/// `GET /wiki/signed-out?iss=…&sid=…`: loaded in a frame where somebody signs out elsewhere.
async fn signed_out(State(wiki): State<Arc<Wiki>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let (issuer, sid) = (field(query.as_bytes(), "iss"), field(query.as_bytes(), "sid").unwrap_or_default());
    if issuer.as_deref() == Some(&wiki.client.issuer) && !sid.is_empty() {
        held(&wiki.sessions).retain(|_, claims| claims.get("sid").and_then(Value::as_str) != Some(&sid));
    }
    let mut response = Response::new(axum::body::Body::empty());
    let kept = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}
