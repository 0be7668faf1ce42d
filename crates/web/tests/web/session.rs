//! Sessions that serve one browser: what a copy of its cookies opens, which is nothing.

use crate::{
    account::signed_in,
    support::{Answer, Browser, House, ORIGIN},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use types::SessionId;

const SESSION: &str = "__Host-countersign-session";
const SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The id of the session in a browser.
pub(crate) fn id_of(browser: &Browser<'_>) -> SessionId {
    browser.jar.lock().unwrap().get(SESSION).unwrap().split_once('.').unwrap().0.parse().unwrap()
}

/// What the page's script does, with a key of its own.
struct Script<'b, 'h> {
    browser: &'b Browser<'h>,
    key: EcdsaKeyPair,
}

/// Where a script goes on.
fn next(answer: &Value) -> &str {
    answer.get("next").and_then(Value::as_str).unwrap()
}

fn attribute(page: &str, name: &str) -> String {
    let rest = page.split_once(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {page}")).1;
    rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

impl<'b, 'h> Script<'b, 'h> {
    fn new(browser: &'b Browser<'h>) -> Self {
        Self { browser, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    /// Acts on a page: what it sends, and where that goes.
    fn says(&self, page: &str) -> (String, String, Value) {
        let of = |name| attribute(page, name);
        let (what, back, mark) = (of("what"), of("return"), of("mark"));
        let lines = ["countersign session v1", &what, &of("session"), ORIGIN, &back, &mark].join("\n");
        let signature = self.key.sign(&SystemRandom::new(), lines.as_bytes()).unwrap();
        let mut sent = json!({
            "mark": mark, "signature": BASE64URL_NOPAD.encode(signature.as_ref()), "return_to": back,
        });
        if what == "bind" {
            let public = [SPKI, self.key.public_key().as_ref()].concat();
            sent.as_object_mut().unwrap().insert("key".to_owned(), BASE64URL_NOPAD.encode(&public).into());
        }
        (format!("/session/{what}"), of("token"), sent)
    }

    async fn send(&self, path: &str, token: &str, sent: &Value) -> Answer {
        let request = self
            .browser
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header("x-form-token", token);
        self.browser.send(request.body(Body::from(sent.to_string())).unwrap()).await
    }

    async fn act(&self, page: &str) -> Answer {
        let (path, token, sent) = self.says(page);
        self.send(&path, &token, &sent).await
    }

    /// Opens a page as a browser does: through a proof, where one is wanted.
    async fn open(&self, path: &str) -> Answer {
        let answer = self.browser.get(path).await;
        if !answer.location().starts_with("/session/prove?") {
            return answer;
        }
        let page = self.browser.get(answer.location()).await.text();
        let proved: Value = serde_json::from_str(&self.act(&page).await.text()).unwrap();
        self.browser.get(next(&proved)).await
    }
}

async fn with_ana() -> House {
    let house = House::new().await;
    let ana = house.user("ana").await;
    house.token(ana).await;
    house
}

/// Signs in, and binds as the page after it does.
async fn bound<'b, 'h>(browser: &'b Browser<'h>) -> Script<'b, 'h> {
    signed_in(browser).await;
    let house = browser.house;
    let ticket = house.auth.binding_ticket(house.tenant, id_of(browser)).await.unwrap();
    let page = browser.get(&format!("/session/bind?with={}&return_to=%2Faccount", ticket.expose())).await;
    let script = Script::new(browser);
    let bound = script.act(&page.text()).await;
    assert_eq!(bound.status, StatusCode::OK, "{}", bound.text());
    let said: Value = serde_json::from_str(&bound.text()).unwrap();
    assert_eq!(browser.get(next(&said)).await.status, StatusCode::OK);
    script
}

/// Another client with the same cookies.
fn copy<'h>(browser: &Browser<'h>) -> Browser<'h> {
    let thief = browser.house.browser();
    thief.jar.lock().unwrap().clone_from(&browser.jar.lock().unwrap());
    thief
}

const PAGES: [&str; 9] = [
    "/account",
    "/account?done=added",
    "/account/add",
    "/account/add/passkey",
    "/account/add/authenticator",
    "/account/remove?id=x",
    "/account/recovery-codes",
    "/account/sessions",
    "/account/report",
];

#[tokio::test]
async fn a_copied_jar_opens_nothing_at_any_moment() {
    let house = with_ana().await;
    let browser = house.browser();
    let script = bound(&browser).await;
    for page in PAGES {
        let thief = copy(&browser);
        let answer = thief.get(page).await;
        assert!(answer.location().starts_with("/session/prove?return_to="), "{page}: {}", answer.status);
        // The page that asks for a proof tells nothing, and what is made up is none.
        let asks = thief.get(answer.location()).await.text();
        assert!(!asks.contains("ana"), "{page}");
        let refused = Script::new(&thief).act(&asks).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{page}");
        // The owner goes on; the moment after, a copy opens nothing either.
        let shown = script.open(page).await;
        assert!(shown.status == StatusCode::OK || shown.status.is_client_error(), "{page}: {}", shown.status);
        let thief = copy(&browser);
        assert!(thief.get(page).await.location().starts_with("/session/prove?"), "{page}");
    }
    // Nor does it act: the token of a page can't be made from the cookies.
    let thief = copy(&browser);
    let asks = thief.get("/session/prove?return_to=%2Faccount").await.text();
    let token = attribute(&asks, "token");
    for (path, fields) in [
        ("/account/sessions", vec![("others", "yes")]),
        ("/account/report", vec![]),
        ("/account/sign-out", vec![]),
        ("/account/step-up", vec![("action", "remove"), ("id", "x")]),
        ("/account/rename", vec![("id", "x"), ("name", "x")]),
        ("/account/add/authenticator", vec![]),
        ("/account/add/passkey/options", vec![]),
        ("/account/recovery-codes", vec![]),
    ] {
        for token in [token.as_str(), ""] {
            let mut fields = fields.clone();
            fields.push(("token", token));
            assert_eq!(thief.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(script.open("/account").await.status, StatusCode::OK);
    // What the owner's own page sends is taken.
    let token = script.open("/account/sessions").await.token();
    let ended = browser.post("/account/sessions", &[("token", &token), ("others", "yes")]).await;
    assert_eq!(ended.location(), "/account/sessions");
}

#[tokio::test]
async fn the_address_of_an_open_page_opens_nothing_again() {
    let house = with_ana().await;
    let browser = house.browser();
    let script = bound(&browser).await;
    let asked = browser.get("/account/sessions").await;
    let page = browser.get(asked.location()).await.text();
    let (path, token, sent) = script.says(&page);
    let proved: Value = serde_json::from_str(&script.send(&path, &token, &sent).await.text()).unwrap();
    let next = proved["next"].as_str().unwrap().to_owned();
    // The answer of the proof is in no cookie.
    let ticket = next.rsplit("proof=").next().unwrap().to_owned();
    assert!(!browser.jar.lock().unwrap().values().any(|value| value.contains(&ticket)));
    assert_eq!(script.send(&path, &token, &sent).await.status, StatusCode::FORBIDDEN, "a proof twice");
    assert_eq!(browser.get(&next).await.status, StatusCode::OK);
    let again = browser.get(&next).await;
    assert_eq!(again.location(), "/session/prove?return_to=%2Faccount%2Fsessions");
    assert_eq!(copy(&browser).get(&next).await.location(), again.location());
}

#[tokio::test]
async fn what_stands_between_leads_nowhere_else() {
    let house = with_ana().await;
    let browser = house.browser();
    for wrong in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "", "%2F%5Cevil.example", "account", "%2Fa%23b"] {
        for path in ["/session/prove", "/session/bind"] {
            assert_eq!(
                browser.get(&format!("{path}?return_to={wrong}")).await.status,
                StatusCode::BAD_REQUEST,
                "{wrong}"
            );
        }
        let back = percent_encoding::percent_decode_str(wrong).decode_utf8().unwrap().into_owned();
        assert_eq!(browser.post("/session/again", &[("return_to", &back)]).await.status, StatusCode::BAD_REQUEST);
    }
    // Without a session there is nothing to prove.
    assert_eq!(browser.get("/session/prove?return_to=%2Faccount").await.location(), "/account");
    assert_eq!(browser.get("/session/bind?with=x&return_to=%2Faccount").await.location(), "/account");
    let script = bound(&browser).await;
    // Somebody who isn't asked to bind can't.
    assert_eq!(browser.get("/session/bind?with=x&return_to=%2Faccount").await.location(), "/account");
    let page = browser.get("/session/prove?return_to=%2Faccount").await.text();
    let other = with_ana().await;
    let stranger = other.browser();
    let (path, token, sent) = script.says(&page);
    let away = Script { browser: &stranger, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() };
    assert_eq!(away.send(&path, &token, &sent).await.status, StatusCode::FORBIDDEN);
    // Giving up the copy in this browser ends no session.
    let id = id_of(&browser);
    let kept = browser.jar.lock().unwrap().clone();
    assert_eq!(browser.post("/session/again", &[("return_to", "/account")]).await.location(), "/account");
    assert_eq!(browser.get("/account").await.location(), "/account/sign-in");
    browser.jar.lock().unwrap().clone_from(&kept);
    assert_eq!(id_of(&browser), id);
    assert_eq!(script.open("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_is_asked_for_its_device_is_asked_after_a_sign_in_only() {
    let house = with_ana().await;
    let browser = house.browser();
    signed_in(&browser).await;
    let cookie = browser.jar.lock().unwrap().get(SESSION).unwrap().clone();
    let session = house.auth.session(house.tenant, &cookie).await.unwrap().unwrap();
    let ticket = house.auth.binding_ticket(house.tenant, session.id()).await.unwrap();
    let offer = browser.get(&format!("/session/bind?with={}&return_to=%2Faccount", ticket.expose())).await;
    let offer = offer.header("secure-session-registration").to_owned();
    let challenge = offer.strip_prefix("(ES256 RS256);path=\"/session/register\";challenge=\"").unwrap();
    let challenge = challenge.strip_suffix('"').unwrap();
    assert_eq!(browser.get("/session/prove?return_to=%2Faccount").await.header("secure-session-registration"), "");
    let device = jose::SigningKey::generate(jose::Algorithm::Es256).unwrap().0;
    let own = async |path: &str, proof: Option<String>| {
        // As a browser sends it of its own accord, from a page of another site.
        let mut request = browser.request(Method::POST, path);
        let headers = request.headers_mut().unwrap();
        headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
        headers.insert(header::ORIGIN, "https://app.example".parse().unwrap());
        headers.insert("sec-secure-session-id", format!("\"{}\"", session.id()).parse().unwrap());
        if let Some(proof) = proof {
            headers.insert("secure-session-response", format!("\"{proof}\"").parse().unwrap());
        }
        browser.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(own("/session/register", None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(own("/session/register", Some("a.b.c".to_owned())).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(own("/session/refresh", None).await.status, StatusCode::UNAUTHORIZED, "no device yet");
    let proof = device.sign_with_jwk("dbsc+jwt", &json!({"jti": challenge})).unwrap();
    let registered = own("/session/register", Some(proof.clone())).await;
    let said: Value = serde_json::from_str(&registered.text()).unwrap();
    assert_eq!(said["session_identifier"], session.id().to_string());
    assert_eq!(
        (&said["refresh_url"], &said["credentials"][0]["name"]),
        (&json!("/session/refresh"), &json!("__Host-countersign-device"))
    );
    assert_eq!(said["scope"]["origin"], ORIGIN);
    let cookie = registered.header("set-cookie");
    assert!(cookie.contains("Path=/; Max-Age=300; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(own("/session/register", Some(proof)).await.status, StatusCode::UNAUTHORIZED, "replayed");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);

    // The jar without the device's cookie, or with an old one, opens nothing.
    let thief = copy(&browser);
    thief.jar.lock().unwrap().remove("__Host-countersign-device");
    assert_eq!(thief.get("/account").await.location(), "/account/sign-in");
    house.clock.advance(std::time::Duration::from_secs(300));
    assert_eq!(browser.get("/account").await.location(), "/account/sign-in");

    let asked = own("/session/refresh", None).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let challenge = asked.header("secure-session-challenge").to_owned();
    let (challenge, id) = challenge.strip_prefix('"').unwrap().split_once("\";id=\"").unwrap();
    assert_eq!(id.strip_suffix('"'), Some(session.id().to_string().as_str()));
    let renewal = |challenge: &str| {
        device.sign_with(&json!({"typ": "dbsc+jwt", "alg": "ES256"}), &json!({"jti": challenge})).unwrap()
    };
    let renewed = own("/session/refresh", Some(renewal(challenge))).await;
    assert_eq!(renewed.status, StatusCode::OK);
    assert_eq!(own("/session/refresh", Some(renewal(challenge))).await.status, StatusCode::FORBIDDEN, "replayed");
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}
