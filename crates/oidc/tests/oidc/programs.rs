//! Programs: what clients do without a browser.

use crate::support::{Answer, CALLBACK, HOST, House, VERIFIER, query};
use axum::body::Body;
use countersign_oidc::ClientCertificates;
use http::{Request, header};
use jose::{Algorithm, SigningKey};
use serde_json::{Value, json};
use sso::manage::MadeParty;
use types::UserId;

/// A POST of a form, with whatever else a program sends.
#[derive(Default)]
pub(crate) struct Program<'a> {
    pub(crate) client: Option<&'a MadeParty>,
    pub(crate) proof: Option<String>,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) host: Option<&'static str>,
}

impl Program<'_> {
    pub(crate) async fn post(&self, house: &House, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path)
            .header(header::HOST, self.host.unwrap_or(HOST))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(client) = self.client {
            let secret = client.secret.as_ref().map(types::SecretString::expose).unwrap_or_default();
            let pair = data_encoding::BASE64.encode(format!("{}:{secret}", client.key).as_bytes());
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        if let Some(proof) = &self.proof {
            request = request.header("dpop", proof);
        }
        if !self.certificates.is_empty() {
            request = request.extension(ClientCertificates(self.certificates.clone().into()));
        }
        house.ask(request.body(Body::from(query(form))).unwrap()).await
    }
}

/// The usual form that redeems a code.
pub(crate) fn redeeming(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]
}

/// A code of somebody who has just signed in.
pub(crate) async fn code(house: &House, client: &MadeParty, user: UserId, more: &[(&str, &str)]) -> String {
    let (browser, _) = house.signed_in(user).await;
    let back = browser.authorize(client, more).await.back(CALLBACK);
    back.get("code").cloned().unwrap_or_else(|| panic!("{back:?}"))
}

/// Tokens of somebody who has just signed in.
pub(crate) async fn tokens(house: &House, client: &MadeParty, user: UserId) -> Value {
    let code = code(house, client, user, &[("scope", "openid email offline_access")]).await;
    let answer = house.post("/oidc/token", &redeeming(&code), Some(client)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// What introspection says to `client`.
pub(crate) async fn introspected(house: &House, client: &MadeParty, token: &str) -> Value {
    let answer = house.post("/oidc/introspect", &[("token", token)], Some(client)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub(crate) async fn refreshed(house: &House, client: &MadeParty, token: &str) -> Answer {
    house.post("/oidc/token", &[("grant_type", "refresh_token"), ("refresh_token", token)], Some(client)).await
}

pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

pub(crate) async fn disable(house: &House, user: UserId, status: &str) {
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.set_user_status(user, status).await.unwrap());
    tx.commit().await.unwrap();
}

/// A client's key, and its set of public keys.
pub(crate) fn key(algorithm: Algorithm) -> (SigningKey, Value) {
    let (key, _) = SigningKey::generate(algorithm).unwrap();
    let set = json!({"keys": [key.jwk().unwrap().to_value()]});
    (key, set)
}

/// A proof of possession.
pub(crate) fn proof(house: &House, key: &SigningKey, path: &str, more: &Value) -> String {
    let mut claims = json!({
        "jti": jose::base64url(&house.world.bytes::<12>()),
        "htm": "POST",
        "htu": format!("https://{HOST}{path}"),
        "iat": house.world.now().seconds(),
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    key.sign_with_jwk("dpop+jwt", &claims).unwrap()
}
