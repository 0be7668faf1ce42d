//! A provider that each test plays itself.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use jose::{Algorithm, Algorithms, JoseError, SigningKey};
use outbound::{FetchError, Fetched, Request};
use serde_json::{Map, Value, json};
use types::{Millis, SecretString, World};

use super::*;
use crate::{Fetch, Fetching};

const NOW: Millis = Millis(1_795_327_200_000);
const ISSUER: &str = "https://op.example/realm";
const CLIENT: &str = "client:1";
const REDIRECT: &str = "https://rp.example/upstream/1/back";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap().0);
static OTHER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap().0);

/// Path, body, headers.
type Asked = (String, String, Vec<(String, String)>);

/// Answers by path, and remembers what it was asked.
#[derive(Default)]
struct Provider {
    answers: Mutex<HashMap<&'static str, (u16, Value)>>,
    asked: Mutex<Vec<Asked>>,
}

impl Provider {
    fn put(&self, path: &'static str, answer: Value) {
        self.answers.lock().unwrap().insert(path, (200, answer));
    }

    fn asked(&self, path: &str) -> Vec<(String, Vec<(String, String)>)> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|(own, ..)| own.ends_with(path))
            .map(|(_, body, headers)| (body.clone(), headers.clone()))
            .collect()
    }
}

impl Fetch for Provider {
    fn fetch<'a>(&'a self, request: Request<'a>) -> Fetching<'a> {
        let path = request.url.strip_prefix(ISSUER).unwrap_or("other").to_owned();
        let headers = request.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = String::from_utf8(request.body).unwrap();
        self.asked.lock().unwrap().push((path.clone(), body, headers));
        let answer = self.answers.lock().unwrap().get(path.as_str()).cloned();
        Box::pin(async move {
            let (status, value) = answer.ok_or(FetchError::Unreachable)?;
            Ok(Fetched { status, content_type: "application/json".to_owned(), body: value.to_string().into_bytes() })
        })
    }
}

fn configuration() -> Value {
    json!({
        "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize?tenant=1"),
        "token_endpoint": format!("{ISSUER}/token"), "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        "jwks_uri": format!("{ISSUER}/jwks"), "authorization_response_iss_parameter_supported": true,
    })
}

fn registration() -> Registration {
    Registration {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        authentication: Authentication::Basic(SecretString::new("s%cret".to_owned())),
        redirect_uri: REDIRECT.to_owned(),
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        algorithms: Algorithms::of(&[Algorithm::Es256, Algorithm::Rs256]),
        userinfo: false,
    }
}

fn keys(keys: &[&SigningKey]) -> Value {
    json!({"keys": keys.iter().map(|key| key.jwk().unwrap().to_value()).collect::<Vec<_>>()})
}

struct Scene {
    provider: Arc<Provider>,
    upstream: Upstream,
    world: World,
    clock: Arc<types::ManualClock>,
}

impl Scene {
    fn new(registration: Registration) -> Self {
        let provider = Arc::new(Provider::default());
        provider.put("/.well-known/openid-configuration", configuration());
        provider.put("/jwks", keys(&[&KEY]));
        let (world, clock) = World::made(NOW, 11);
        let upstream = Upstream::new(registration, Arc::clone(&provider) as Arc<dyn Fetch>).unwrap();
        Self { provider, upstream, world, clock }
    }

    async fn start(&self) -> Started {
        self.upstream.start(&Ask::default(), &self.world).await.unwrap()
    }

    fn claims(&self, started: &Started) -> Map<String, Value> {
        let now = self.world.now().seconds();
        let claims = json!({
            "iss": ISSUER, "sub": "u1", "aud": CLIENT, "exp": now + 300, "iat": now, "auth_time": now - 5,
            "nonce": started.nonce.expose(), "acr": "phr", "amr": ["hwk", "user"], "sid": "s1", "email": "u@op.example",
        });
        claims.as_object().unwrap().clone()
    }

    /// The provider answers the code with this token.
    fn answer(&self, key: &SigningKey, claims: &Map<String, Value>) {
        let token = key.sign_jwt(Some("JWT"), claims).unwrap();
        self.provider.put("/token", json!({"id_token": token, "access_token": "at1", "token_type": "Bearer"}));
    }

    async fn finish(&self, started: &Started) -> Result<Identity, OidcError> {
        let query = format!("code=c1&state={}&iss={}", started.state.expose(), "https%3A%2F%2Fop.example%2Frealm");
        self.finish_by(started, &query).await
    }

    async fn finish_by(&self, started: &Started, query: &str) -> Result<Identity, OidcError> {
        let expect = Expect { skew: Duration::from_secs(60), fresh_since: None, contexts: &[] };
        self.upstream.finish(started, query, &expect, &self.world).await
    }

    /// The refusal of a token whose claims were changed.
    async fn refusal(&self, change: impl FnOnce(&mut Map<String, Value>)) -> OidcError {
        let started = self.start().await;
        let mut claims = self.claims(&started);
        change(&mut claims);
        self.answer(&KEY, &claims);
        self.finish(&started).await.unwrap_err()
    }
}

#[tokio::test]
async fn as_it_should_be() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    let address = url::Url::parse(&started.address).unwrap();
    let query: HashMap<_, _> = address.query_pairs().into_owned().collect();
    assert_eq!(query["tenant"], "1");
    assert_eq!((query["response_type"].as_str(), query["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!((query["scope"].as_str(), query["redirect_uri"].as_str()), ("openid email", REDIRECT));
    let challenge = jose::base64url(&jose::sha256(started.verifier.expose().as_bytes()));
    assert_eq!(query["code_challenge"], challenge);
    assert!(!started.address.contains(started.verifier.expose()));

    scene.answer(&KEY, &scene.claims(&started));
    let identity = scene.finish(&started).await.unwrap();
    assert_eq!((identity.issuer.as_str(), identity.subject.as_str()), (ISSUER, "u1"));
    assert_eq!(identity.authenticated, Some(Millis(NOW.0 - 5_000)));
    assert_eq!((identity.context.as_deref(), identity.session.as_deref()), (Some("phr"), Some("s1")));
    assert_eq!(identity.methods, ["hwk", "user"]);
    assert_eq!(identity.verified_email(), None, "nobody verified it");

    let asked = scene.provider.asked("/token");
    assert_eq!(asked.len(), 1);
    let (body, headers) = &asked[0];
    assert!(body.contains("code=c1") && body.contains(&format!("code_verifier={}", started.verifier.expose())));
    // RFC 6749, 2.3.1: escaped before they are joined.
    let basic = data_encoding::BASE64.encode(b"client%3A1:s%25cret");
    assert!(headers.contains(&("Authorization".to_owned(), format!("Basic {basic}"))));
}

#[tokio::test]
async fn the_token_is_for_this_sign_in_of_this_client_by_this_provider_now() {
    let scene = Scene::new(registration());
    let claim = |name| OidcError::Token(JoseError::Claim(name));
    assert_eq!(scene.refusal(|claims| drop(claims.insert("nonce".to_owned(), json!("x")))).await, OidcError::Nonce);
    assert_eq!(scene.refusal(|claims| drop(claims.remove("nonce"))).await, OidcError::Nonce);
    assert_eq!(
        scene.refusal(|claims| drop(claims.insert("iss".to_owned(), json!("https://op.example")))).await,
        claim("iss")
    );
    assert_eq!(scene.refusal(|claims| drop(claims.insert("aud".to_owned(), json!("other")))).await, claim("aud"));
    assert_eq!(
        scene.refusal(|claims| drop(claims.insert("aud".to_owned(), json!([CLIENT, "other"])))).await,
        claim("azp")
    );
    assert_eq!(scene.refusal(|claims| drop(claims.insert("azp".to_owned(), json!("other")))).await, claim("azp"));
    assert_eq!(scene.refusal(|claims| drop(claims.remove("sub"))).await, claim("sub"));
    assert_eq!(scene.refusal(|claims| drop(claims.insert("sub".to_owned(), json!("")))).await, claim("sub"));
    assert_eq!(scene.refusal(|claims| drop(claims.remove("iat"))).await, claim("iat"));
    assert_eq!(scene.refusal(|claims| drop(claims.insert("at_hash".to_owned(), json!("x")))).await, claim("at_hash"));
    let now = NOW.seconds();
    let expired = OidcError::Token(JoseError::Expired);
    assert_eq!(scene.refusal(|claims| drop(claims.insert("exp".to_owned(), json!(now - 60)))).await, expired);
    assert_eq!(
        scene.refusal(|claims| drop(claims.insert("iat".to_owned(), json!(now + 61)))).await,
        OidcError::Token(JoseError::Early)
    );
    let edge = scene.start().await;
    let mut claims = scene.claims(&edge);
    claims.insert("exp".to_owned(), json!(now - 59));
    claims.insert("at_hash".to_owned(), json!(jose::half_hash(Algorithm::Es256, "at1")));
    scene.answer(&KEY, &claims);
    assert!(scene.finish(&edge).await.is_ok());
}

#[tokio::test]
async fn the_browser_comes_back_from_this_sign_in() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    let state = started.state.expose().to_owned();
    let iss = "iss=https%3A%2F%2Fop.example%2Frealm";
    for query in [
        String::new(),
        format!("code=c1&{iss}"),
        format!("code=c1&{iss}&state=x"),
        format!("code=c1&{iss}&state={state}&state={state}"),
        format!("code=c1&code=c2&{iss}&state={state}"),
        format!("code=&{iss}&state={state}"),
        format!("{iss}&state={state}"),
        format!("code=c1&error=access_denied&{iss}&state={state}"),
        format!("code=c1&{iss}&state={state}&x={}", "x".repeat(9_000)),
    ] {
        assert_eq!(scene.finish_by(&started, &query).await.unwrap_err(), OidcError::State, "{query:.80}");
    }
    assert!(scene.provider.asked("/token").is_empty(), "no code was redeemed");
    let denied = format!("error=login_required&{iss}&state={state}");
    assert_eq!(scene.finish_by(&started, &denied).await.unwrap_err(), OidcError::Denied(Denied::InteractionRequired));
    // Somebody else's error doesn't end this sign-in.
    assert_eq!(scene.finish_by(&started, "error=access_denied&state=x").await.unwrap_err(), OidcError::State);
}

#[tokio::test]
async fn mix_up() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    let state = started.state.expose();
    // Another provider's name, or none although it names itself always (RFC 9207, 2.4).
    for query in [format!("code=c1&state={state}&iss=https%3A%2F%2Fevil.example"), format!("code=c1&state={state}")] {
        assert_eq!(scene.finish_by(&started, &query).await.unwrap_err(), OidcError::Issuer);
    }
    assert!(scene.provider.asked("/token").is_empty(), "the code went nowhere");
    // A description that names another issuer.
    let liar = Scene::new(registration());
    let mut configuration = configuration();
    configuration["issuer"] = json!("https://evil.example");
    liar.provider.put("/.well-known/openid-configuration", configuration);
    assert_eq!(liar.upstream.start(&Ask::default(), &liar.world).await.err(), Some(OidcError::Issuer));
}

#[tokio::test]
async fn keys_and_algorithms() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    let claims = scene.claims(&started);
    scene.answer(&OTHER, &claims);
    assert!(matches!(scene.finish(&started).await, Err(OidcError::Token(_))));
    let asked = scene.provider.asked("/jwks").len();
    assert!(matches!(scene.finish(&started).await, Err(OidcError::Token(_))));
    assert_eq!(scene.provider.asked("/jwks").len(), asked, "an unknown key is looked for once a minute");

    // A new key, which the provider publishes.
    scene.provider.put("/jwks", keys(&[&KEY, &OTHER]));
    scene.clock.advance(Duration::from_secs(61));
    assert!(scene.finish(&started).await.is_ok());

    // `none`, HMAC with the public key, and an algorithm that isn't registered.
    let part = |value: &Value| jose::base64url(value.to_string().as_bytes());
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&Value::Object(claims.clone())));
    scene.provider.put("/token", json!({"id_token": none, "access_token": "a", "token_type": "Bearer"}));
    assert!(matches!(scene.finish(&started).await, Err(OidcError::Token(_))));
    let public = KEY.jwk().unwrap().to_value().to_string();
    let hmac = SigningKey::hmac(public.as_bytes()).unwrap();
    scene.answer(&hmac, &claims);
    assert_eq!(scene.finish(&started).await.unwrap_err(), OidcError::Token(JoseError::Algorithm));
    let ed = SigningKey::generate(Algorithm::EdDsa).unwrap().0;
    scene.provider.put("/jwks", keys(&[&KEY, &ed]));
    scene.clock.advance(Duration::from_secs(61));
    scene.answer(&ed, &claims);
    assert_eq!(scene.finish(&started).await.unwrap_err(), OidcError::Token(JoseError::Algorithm));
}

#[tokio::test]
async fn userinfo_is_about_the_same_person() {
    let scene = Scene::new(Registration { userinfo: true, ..registration() });
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    scene
        .provider
        .put("/userinfo", json!({"sub": "u1", "email": "changed@op.example", "email_verified": true, "name": "U"}));
    let identity = scene.finish(&started).await.unwrap();
    assert_eq!(identity.text("name"), Some("U"));
    assert_eq!(identity.text("email"), Some("u@op.example"), "the token's word is first");
    let (_, headers) = &scene.provider.asked("/userinfo")[0];
    assert!(headers.contains(&("Authorization".to_owned(), "Bearer at1".to_owned())));
    scene.provider.put("/userinfo", json!({"sub": "u2"}));
    assert_eq!(scene.finish(&started).await.unwrap_err(), OidcError::Subject);
    scene.provider.put("/userinfo", json!({"name": "U"}));
    assert_eq!(scene.finish(&started).await.unwrap_err(), OidcError::Subject);
}

#[tokio::test]
async fn each_way_to_prove_who_we_are() {
    let posted = Authentication::Post(SecretString::new("s%cret".to_owned()));
    let scene = Scene::new(Registration { authentication: posted, ..registration() });
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    scene.finish(&started).await.unwrap();
    assert!(scene.provider.asked("/token")[0].0.contains("client_secret=s%25cret"));

    let key = Authentication::PrivateKey(Box::new(SigningKey::generate(Algorithm::Es256).unwrap().0));
    let scene = Scene::new(Registration { authentication: key, ..registration() });
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    scene.finish(&started).await.unwrap();
    let body = scene.provider.asked("/token")[0].0.clone();
    let assertion = body.split('&').find_map(|pair| pair.strip_prefix("client_assertion=")).unwrap();
    let unverified = jose::Unverified::parse(assertion).unwrap();
    assert_eq!(unverified.hint("iss").as_deref(), Some(CLIENT));
    assert_eq!(unverified.hint("aud"), Some(format!("{ISSUER}/token")));
}

#[tokio::test]
async fn what_was_asked_of_the_provider_is_in_the_answer() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    scene.answer(&KEY, &scene.claims(&started));
    let query = format!("code=c1&state={}&iss=https%3A%2F%2Fop.example%2Frealm", started.state.expose());
    let judged = async |fresh_since: Option<Millis>, contexts: &[&str]| {
        let expect = Expect { skew: Duration::ZERO, fresh_since, contexts };
        scene.upstream.finish(&started, &query, &expect, &scene.world).await.map(drop)
    };
    assert_eq!(judged(Some(Millis(NOW.0 - 5_000)), &["phr"]).await, Ok(()));
    assert_eq!(judged(Some(Millis(NOW.0 - 4_999)), &[]).await, Err(OidcError::Stale));
    assert_eq!(judged(None, &["phrh"]).await, Err(OidcError::Context));
}

#[tokio::test]
async fn a_provider_that_fails() {
    let scene = Scene::new(registration());
    let started = scene.start().await;
    scene.provider.answers.lock().unwrap().insert("/token", (400, json!({"error": "invalid_grant"})));
    assert_eq!(scene.finish(&started).await.unwrap_err(), OidcError::Code);
    for answer in [json!([]), json!({}), json!({"id_token": 1}), json!({"access_token": "a"})] {
        scene.provider.put("/token", answer);
        assert!(matches!(scene.finish(&started).await, Err(OidcError::Answer(_))));
    }
}

#[test]
fn registrations_that_are_refused() {
    let refused = |registration| Upstream::new(registration, Arc::new(Provider::default())).is_err();
    assert!(!refused(registration()));
    assert!(refused(Registration { issuer: "http://op.example".to_owned(), ..registration() }));
    assert!(refused(Registration { issuer: "https://op.example?x".to_owned(), ..registration() }));
    assert!(refused(Registration { redirect_uri: "http://rp.example/".to_owned(), ..registration() }));
    assert!(refused(Registration { client_id: String::new(), ..registration() }));
    assert!(refused(Registration { algorithms: Algorithms::HMAC, ..registration() }));
    let mut configuration = configuration();
    configuration["token_endpoint"] = json!("http://op.example/token");
    assert!(Discovery::parse(configuration.to_string().as_bytes(), ISSUER).is_err());
}
