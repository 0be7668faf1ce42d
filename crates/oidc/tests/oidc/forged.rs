//! Tokens that this server has not signed as what they are shown for.

use crate::{
    programs::{Program, introspected, redeeming, text, tokens},
    support::{House, ISSUER, claims},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jose::{Algorithm, Algorithms, Audience, Expect, JwkSet, KeySet, SigningKey, verify_jwt};
use serde_json::{Value, json};
use sso::{TokenFormat, manage::MadeParty};

/// The header of a token.
fn header(token: &str) -> Value {
    let head = token.split('.').next().unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(head.as_bytes()).unwrap()).unwrap()
}

/// Whether a token opens anything: what userinfo and introspection say must be the same.
async fn is_good(house: &House, client: &MadeParty, token: &str) -> bool {
    let told = introspected(house, client, token).await;
    let answer = house.get("/oidc/userinfo", token).await;
    if told["active"] == true {
        assert_eq!(answer.status, 200, "{answer:?}");
        return true;
    }
    assert_eq!(told, json!({ "active": false }), "nothing more is told of it");
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &json!("invalid_token")));
    false
}

#[tokio::test]
async fn an_access_token_is_signed_by_a_key_of_this_server_as_an_access_token() {
    for alg in ["RS256", "ES256", "EdDSA"] {
        let house = House::new().await;
        let client = house
            .client(|client| (client.access_token_format, client.id_token_alg) = (TokenFormat::Jwt, alg.to_owned()))
            .await;
        let given = tokens(&house, &client, house.user("alice").await).await;
        let (access, id_token) = (text(&given, "access_token"), text(&given, "id_token"));
        assert!(is_good(&house, &client, &access).await);
        let (head, said) = (header(&access), claims(&access));
        assert_eq!((&head["alg"], &head["typ"]), (&json!(alg), &json!("at+jwt")));
        let [_, body, signature] = access.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
        let with = |head: &Value| jose::base64url(head.to_string().as_bytes());
        let mut forged = Vec::new();
        // Signed by nothing.
        for none in ["none", "None", "NONE", "nOnE", ""] {
            let mut head = head.clone();
            head["alg"] = none.into();
            forged.push(format!("{}.{body}.", with(&head)));
            forged.push(format!("{}.{body}.{signature}", with(&head)));
        }
        forged.push(format!("{}.{body}.", access.split('.').next().unwrap()));
        // Signed by a secret that is none: what everybody reads of our keys, in each form in which a library may take it.
        let published = house.browser().get("/oidc/jwks").await;
        let keys = published.json()["keys"].as_array().unwrap().clone();
        let key = keys.iter().find(|key| key["kid"] == head["kid"]).unwrap();
        let point = key.get("n").or_else(|| key.get("x")).and_then(Value::as_str).unwrap();
        let octets = BASE64URL_NOPAD.decode(point.as_bytes()).unwrap();
        let der = BASE64.encode(&octets);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
        let texts = [key.to_string(), published.body.clone(), point.to_owned(), pem];
        for secret in texts.iter().map(String::as_bytes).chain([octets.as_slice()]) {
            let mut head = head.clone();
            head["alg"] = "HS256".into();
            forged.push(SigningKey::hmac(secret).unwrap().sign_with(&head, &said).unwrap());
        }
        // Signed by a stranger: under our key's name, and with a key that comes along.
        let (stranger, _) = SigningKey::generate(Algorithm::from_name(alg).unwrap()).unwrap();
        forged.push(stranger.sign_with(&head, &said).unwrap());
        forged.push(stranger.sign_with_jwk("at+jwt", &said).unwrap());
        // Said by us, and something else than what we have signed.
        let mut more = said.clone();
        more["scope"] = "openid email profile groups".into();
        let more = jose::base64url(more.to_string().as_bytes());
        forged.push(format!("{}.{more}.{signature}", access.split('.').next().unwrap()));
        for token in &forged {
            assert!(!is_good(&house, &client, token).await, "{token}");
        }
        assert!(is_good(&house, &client, &access).await);
        // Signed by us, and for something else: a person's id token, word of a session's end, and both with all that an access token says.
        assert!(!is_good(&house, &client, &id_token).await);
        let algorithm = Algorithm::from_name(alg).unwrap();
        let mut end = json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        end.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        for (typ, claims) in
            [("JWT", &said), ("logout+jwt", &end), ("secevent+jwt", &end), ("token-introspection+jwt", &said)]
        {
            let made = house.sso.signing().sign_jwt(house.tenant, algorithm, typ, claims).await.unwrap();
            assert!(!is_good(&house, &client, &made).await, "{typ}");
        }
        // The same by the same hand, as an access token: it is the type alone that was wrong.
        let made = house.sso.signing().sign_jwt(house.tenant, algorithm, "at+jwt", &said).await.unwrap();
        assert!(is_good(&house, &client, &made).await);
    }
}

#[tokio::test]
async fn an_id_token_is_signed_as_its_client_wants_it_by_a_key_that_is_published() {
    for alg in ["EdDSA", "ES256", "RS256"] {
        let house = House::new().await;
        let client = house.client(|client| client.id_token_alg = alg.to_owned()).await;
        let user = house.user("alice").await;
        let code = crate::programs::code(&house, &client, user, &[]).await;
        let program = Program { client: Some(&client), ..Program::default() };
        let id_token = text(&program.post(&house, "/oidc/token", &redeeming(&code)).await.json(), "id_token");
        assert_eq!(header(&id_token)["alg"], alg);
        let jwks = house.browser().get("/oidc/jwks").await;
        let keys = KeySet::from_jwks(&JwkSet::parse(jwks.body.as_bytes()).unwrap());
        let audience = [client.key.as_str()];
        let expect = Expect::new(ISSUER, Audience::Only(&audience), house.world.now());
        let only = Algorithms::from(Algorithm::from_name(alg).unwrap());
        let said = verify_jwt::<Value>(&id_token, &keys, only, &expect).unwrap();
        assert_eq!((&said.claims()["sub"], &said.claims()["nonce"]), (&json!(user.to_string()), &json!("the nonce")));
        // And by none that isn't there.
        let (stranger, set) = crate::programs::key(Algorithm::from_name(alg).unwrap());
        let theirs = KeySet::from_jwks(&JwkSet::parse(set.to_string().as_bytes()).unwrap());
        assert!(verify_jwt::<Value>(&id_token, &theirs, only, &expect).is_err());
        let forged = stranger.sign_with(&header(&id_token), &claims(&id_token)).unwrap();
        assert!(verify_jwt::<Value>(&forged, &keys, only, &expect).is_err());
    }
}
