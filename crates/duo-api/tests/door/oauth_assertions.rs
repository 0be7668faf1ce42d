//! What proves a client: every byte of it, by one kind of algorithm, for one endpoint at one moment, once.

use crate::{
    house::{each_engine, on_engine, patient},
    oauth::{HEALTH_CHECK, STATE, TOKEN, at_page, code, jti, redeem, refused, send, token, web_client},
    oauth_refusals::{assert_nowhere, assert_unhealthy, edited, health},
    support::web_client::{FormOf, jwt, post},
};
use countersign_e2e::engines::Engine;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn every_byte_of_a_signed_text_counts() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let now = house.world.now();
        let assertion = client.sign(&client.assertion(TOKEN, &jti(), now));
        let request = client.sign(&client.request(&house.a.username, STATE, now));
        let code = code(house, &house.a, &client).await;
        let changed = |text: &str, place: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        for place in 0..assertion.len() {
            let params = client.redemption(&code, &changed(&assertion, place));
            let reply = send(house, &post(&client.host, TOKEN, FormOf::Body, &params)).await;
            assert_eq!(refused(&reply), "invalid_client", "{place}");
        }
        for place in 0..request.len() {
            assert_nowhere(&send(house, &client.authorize(&changed(&request, place), &[])).await, &place.to_string());
        }
        for shorter in [0, 1, request.len() / 2, request.rfind('.').unwrap(), request.len() - 1] {
            assert_nowhere(&send(house, &client.authorize(&request[..shorter], &[])).await, "cut");
        }
        // The control: unchanged, both are good, and the code was not used up by all that.
        assert!(at_page(&send(house, &client.authorize(&request, &[])).await).is_some());
        let params = client.redemption(&code, &assertion);
        token(&send(house, &post(&client.host, TOKEN, FormOf::Body, &params)).await, &client);
    });
}

#[test]
fn no_other_algorithm_and_no_other_key_vouches_for_a_client() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let now = house.world.now();
        let bare = |header: &Value, claims: &Value| {
            let whole = jwt(header, claims, "");
            format!("{}.", whole.rsplit_once('.').unwrap().0)
        };
        let headers = [
            json!({ "alg": "none" }),
            json!({ "alg": "NONE", "typ": "JWT" }),
            json!({ "alg": "HS384" }),
            json!({ "alg": "RS256" }),
            json!({ "alg": "ES256" }),
            json!({ "alg": "EdDSA" }),
            json!({ "typ": "JWT" }),
            json!({ "alg": "HS512", "crit": ["x"] }),
            // The key is ours, never the token's.
            json!({ "alg": "RS256", "jwk": { "kty": "oct", "k": "YQ" } }),
            json!({ "alg": "HS512", "jwk": { "kty": "oct", "k": "YQ" }, "kid": "../../dev/null" }),
        ];
        for header in &headers {
            let key = if header["jwk"].is_object() { "a" } else { client.keys.skey.as_str() };
            let (assertion, request) = (client.assertion(HEALTH_CHECK, &jti(), now), client.request("x", STATE, now));
            for text in [jwt(header, &assertion, key), bare(header, &assertion)] {
                assert_unhealthy(&health(house, &client, &text).await, &header.to_string());
            }
            for text in [jwt(header, &request, key), bare(header, &request)] {
                assert_nowhere(&send(house, &client.authorize(&text, &[])).await, &header.to_string());
            }
        }
        let claims = client.assertion(HEALTH_CHECK, &jti(), now);
        for key in ["", &house.a.app.skey, &house.b.app.skey, &client.keys.ikey] {
            let text = jwt(&json!({ "alg": "HS512" }), &claims, key);
            assert_unhealthy(&health(house, &client, &text).await, key);
        }
        let good = health(house, &client, &jwt(&json!({ "alg": "HS256" }), &claims, &client.keys.skey)).await;
        assert_eq!(good.value["stat"], "OK", "the control: {good:?}");
    });
}

#[test]
fn an_assertion_is_for_this_endpoint_at_this_moment_by_this_client_and_once() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let now = house.world.now();
        let seconds = now.0 as f64 / 1000.0;
        let good = |jti: &str| client.assertion(HEALTH_CHECK, jti, now);
        for (name, value) in [
            ("iss", Value::Null),
            ("sub", Value::Null),
            ("aud", Value::Null),
            ("exp", Value::Null),
            ("jti", Value::Null),
            ("iss", json!(house.a.app.ikey)),
            ("sub", json!(house.a.app.ikey)),
            ("sub", json!("")),
            ("aud", json!(format!("https://{}{TOKEN}", house.a.host))),
            ("aud", json!(format!("https://{}", house.a.host))),
            ("aud", json!(format!("https://{}{HEALTH_CHECK}", house.b.host))),
            ("aud", json!(format!("http://{}{HEALTH_CHECK}", house.a.host))),
            ("aud", json!(format!("https://{}{HEALTH_CHECK}/", house.a.host))),
            ("aud", json!([])),
            ("jti", json!("")),
            ("jti", json!("x".repeat(129))),
            ("jti", json!(7)),
            ("exp", json!(seconds - 60.5)),
            ("exp", json!(seconds + 361.0)),
            ("exp", json!(1e300)),
            ("exp", json!(-1)),
            ("iat", json!(seconds + 61.0)),
            ("nbf", json!(seconds + 61.0)),
        ] {
            let what = format!("{name} {value}");
            let claims = edited(&good(&jti()), name, value);
            let reply = health(house, &client, &client.sign(&claims)).await;
            assert_unhealthy(&reply, &what);
            assert_eq!(reply.value["message"], "invalid_client", "{what}");
        }
        for (name, value) in [
            ("exp", json!(seconds - 59.5)),
            ("exp", json!(seconds.floor() as i64)),
            ("iat", json!(seconds + 0.5)),
            ("iat", json!(seconds - 10_000.0)),
            ("aud", json!(["https://elsewhere.test", format!("https://{}{HEALTH_CHECK}", house.a.host)])),
        ] {
            let claims = edited(&good(&jti()), name, value);
            assert_eq!(health(house, &client, &client.sign(&claims)).await.value["stat"], "OK", "{name}");
        }

        // Once, whatever else changes; and only this client's name is used up.
        let name = jti();
        let first = client.sign(&good(&name));
        assert_eq!(health(house, &client, &first).await.value["stat"], "OK");
        assert_unhealthy(&health(house, &client, &first).await, "the very same");
        house.clock.advance(Duration::from_secs(100));
        let later = client.sign(&client.assertion(HEALTH_CHECK, &name, house.world.now()));
        assert_unhealthy(&health(house, &client, &later).await, "the same name in another assertion");
        let code = code(house, &house.a, &client).await;
        let elsewhere = client.sign(&client.assertion(TOKEN, &name, house.world.now()));
        let params = client.redemption(&code, &elsewhere);
        let reply = send(house, &post(&client.host, TOKEN, FormOf::Body, &params)).await;
        assert_eq!(refused(&reply), "invalid_client", "the same name at another endpoint");
        let other = web_client(house, &house.b).await;
        let theirs = other.sign(&other.assertion(HEALTH_CHECK, &name, house.world.now()));
        assert_eq!(health(house, &other, &theirs).await.value["stat"], "OK", "another client's name");
        token(&redeem(house, &client, FormOf::Body, &code).await, &client);
    });
}
