//! What attackers send, by the names of the classes.

use crate::{
    Algorithm, Algorithms, Audience, Expect, JoseError, Jwk, JwkSet, KeySet, MAX_TOKEN, SigningKey, Unverified,
    VerifyKey, base64url, base64url_decode, dpop, is_digest, json, verify_jwt,
};
use serde_json::{Value, json};
use std::time::Duration;
use types::Millis;

const NOW: Millis = Millis(1_795_280_601_805);

fn claims() -> Value {
    json!({"iss": "https://a", "aud": "b", "exp": NOW.seconds() + 60, "iat": NOW.seconds(), "sub": "x"})
}

fn expect() -> Expect<'static> {
    Expect::new("https://a", Audience::OneOf(&["b"]), NOW)
}

fn read(token: &str, keys: &KeySet, allowed: Algorithms) -> Result<Value, JoseError> {
    verify_jwt(token, keys, allowed, &expect()).map(crate::Verified::into_claims)
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from(key.verify_key().unwrap())
}

#[test]
fn each_algorithm_signs_what_it_verifies_and_nothing_else() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Ed25519] {
        let (key, der) = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pkcs8(algorithm, der.expose()).unwrap();
        assert_eq!(key.kid(), again.kid());
        let token = again.sign_jwt(Some("x+jwt"), &claims()).unwrap();
        assert_eq!(read(&token, &keys(&key), Algorithms::from(algorithm)).unwrap()["sub"], "x");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert!(read(&token, &keys(&key), Algorithms::from(other)).is_err(), "{algorithm} as {other}");
        }
        let (stranger, _) = SigningKey::generate(algorithm).unwrap();
        assert!(read(&token, &keys(&stranger), Algorithms::from(algorithm)).is_err());
    }
}

#[test]
fn alg_none_is_refused_in_every_spelling() {
    let body = base64url(claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", "nOnE", "", "HS512", "ES256 "] {
        for signature in ["", "AA"] {
            let header = base64url(json!({ "alg": alg }).to_string().as_bytes());
            let token = format!("{header}.{body}.{signature}");
            assert!(matches!(Unverified::parse(&token), Err(JoseError::Algorithm)), "{alg}");
        }
    }
    let header = base64url(br#"{"typ":"JWT"}"#);
    assert!(Unverified::parse(&format!("{header}.{body}.AA")).is_err());
}

#[test]
fn key_confusion_a_public_key_is_no_secret() {
    let (key, _) = SigningKey::generate(Algorithm::Rs256).unwrap();
    let jwk = key.jwk().unwrap();
    // The attacker signs with what everybody knows: the public key, in whatever form.
    for secret in [jwk.to_value().to_string(), jwk.thumbprint()] {
        let forged = SigningKey::hmac(secret.as_bytes()).unwrap().sign_jwt(None, &claims()).unwrap();
        for allowed in [Algorithms::HMAC, Algorithms::of(&[Algorithm::Rs256, Algorithm::Hs256])] {
            assert!(read(&forged, &keys(&key), allowed).is_err());
        }
        assert_eq!(read(&forged, &keys(&key), Algorithms::from(Algorithm::Rs256)), Err(JoseError::Algorithm));
    }
    // A key that names its algorithm is for no other.
    let pss = Jwk { alg: Some(Algorithm::Ps256), ..jwk.clone() };
    let token = key.sign_jwt(None, &claims()).unwrap();
    let set = KeySet::from_jwks(&JwkSet { keys: vec![pss] });
    assert_eq!(read(&token, &set, Algorithms::ASYMMETRIC), Err(JoseError::Algorithm));
}

#[test]
fn headers_that_bring_their_own_key_or_change_the_rules_are_refused() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("jwk", key.jwk().unwrap().to_value()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
    ] {
        let header = json!({"alg": "ES256", name: value});
        let token = key.sign_with(&header, &claims()).unwrap();
        assert!(matches!(Unverified::parse(&token), Err(JoseError::Header(_))), "{name}");
    }
    for header in [json!({"alg": 1}), json!({"alg": "ES256", "kid": 1}), json!({"alg": "ES256", "typ": []})] {
        let token = key.sign_with(&header, &claims()).unwrap();
        assert!(Unverified::parse(&token).is_err(), "{header}");
    }
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let sign = |header: &str, body: &str| {
        let message = format!("{}.{}", base64url(header.as_bytes()), base64url(body.as_bytes()));
        let signature = key.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", base64url(&signature))
    };
    let body = claims().to_string();
    assert!(read(&sign(r#"{"alg":"EdDSA"}"#, &body), &keys(&key), Algorithms::ASYMMETRIC).is_ok());
    let twice = body.replacen('{', r#"{"sub":"y","#, 1);
    for (header, body) in [
        (r#"{"alg":"EdDSA","alg":"EdDSA"}"#, body.as_str()),
        (r#"{"alg":"EdDSA"}"#, twice.as_str()),
        (r#"{"alg":"EdDSA"}"#, r#"{"a":{"b":1,"b":2}}"#),
        (r#"{"alg":"EdDSA"}"#, "[]"),
        (r#"{"alg":"EdDSA"}"#, ""),
        (r#"{"alg":"EdDSA"} x"#, body.as_str()),
    ] {
        assert!(read(&sign(header, body), &keys(&key), Algorithms::ASYMMETRIC).is_err(), "{header} {body}");
    }
}

#[test]
fn truncated_and_extended_tokens_are_refused() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = key.sign_jwt(Some("at+jwt"), &claims()).unwrap();
    let set = keys(&key);
    for cut in 0..token.len() {
        assert!(read(&token[..cut], &set, Algorithms::ASYMMETRIC).is_err(), "cut at {cut}");
    }
    for more in ["A", "=", ".", " ", "\n", ".A", "AA", "\0"] {
        assert!(read(&format!("{token}{more}"), &set, Algorithms::ASYMMETRIC).is_err(), "{more:?} behind");
        assert!(read(&format!("{more}{token}"), &set, Algorithms::ASYMMETRIC).is_err(), "{more:?} before");
    }
    assert!(read(&"A".repeat(MAX_TOKEN + 1), &set, Algorithms::ASYMMETRIC).is_err());
    // The last letter of a signature has bits that mean nothing: there is one way to write it.
    let last = token.chars().last().unwrap();
    for letter in ('A'..='Z').chain('a'..='z').chain('0'..='9').filter(|letter| *letter != last) {
        let other = format!("{}{letter}", &token[..token.len() - 1]);
        assert!(read(&other, &set, Algorithms::ASYMMETRIC).is_err());
    }
}

#[test]
fn times_and_names_are_judged_to_the_second() {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let now = NOW.seconds();
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        key.sign_jwt(Some("JWT"), &claims).unwrap()
    };
    let set = keys(&key);
    let strict = |token: &str| verify_jwt::<Value>(token, &set, Algorithms::ASYMMETRIC, &expect()).map(drop);
    assert_eq!(strict(&with("exp", json!(now))), Err(JoseError::Expired));
    assert_eq!(strict(&with("exp", json!(now + 1))), Ok(()));
    assert_eq!(strict(&with("nbf", json!(now + 1))), Err(JoseError::Early));
    assert_eq!(strict(&with("nbf", json!(now))), Ok(()));
    assert_eq!(strict(&with("iat", json!(now + 1))), Err(JoseError::Early));
    assert_eq!(strict(&with("iat", json!("1"))), Err(JoseError::Claim("iat")));
    assert_eq!(strict(&with("exp", json!(-1))), Err(JoseError::Claim("exp")));
    assert_eq!(strict(&with("exp", json!(1e300))), Err(JoseError::Claim("exp")));
    assert_eq!(strict(&with("exp", Value::Null)), Err(JoseError::Claim("exp")));
    assert_eq!(strict(&with("iss", json!("https://a/"))), Err(JoseError::Claim("iss")));
    assert_eq!(strict(&with("aud", json!(["x", "c"]))), Err(JoseError::Claim("aud")));
    assert_eq!(strict(&with("aud", json!(["x", "b"]))), Ok(()));
    assert_eq!(strict(&with("aud", json!({"b": 1}))), Err(JoseError::Claim("aud")));
    let alone = Expect { audience: Audience::Only(&["b"]), ..expect() };
    let only = |token: &str| verify_jwt::<Value>(token, &set, Algorithms::ASYMMETRIC, &alone).map(drop);
    assert_eq!(only(&with("aud", json!(["b", "x"]))), Err(JoseError::Claim("aud")));
    assert_eq!(only(&with("aud", json!([]))), Err(JoseError::Claim("aud")));
    assert_eq!(only(&with("aud", json!(["b"]))), Ok(()));
    // Leeway, and the longest life.
    let lax = Expect { leeway: Duration::from_secs(5), longest: Some(Duration::from_secs(60)), ..expect() };
    let lax = |token: &str| verify_jwt::<Value>(token, &set, Algorithms::ASYMMETRIC, &lax).map(drop);
    assert_eq!(lax(&with("exp", json!(now - 4))), Ok(()));
    assert_eq!(lax(&with("exp", json!(now - 5))), Err(JoseError::Expired));
    assert_eq!(lax(&with("exp", json!(now + 67))), Err(JoseError::Expired));
    // One kind of token is not another.
    let typed = expect().of_type(&["at+jwt"]);
    assert!(verify_jwt::<Value>(&with("a", json!(1)), &set, Algorithms::ASYMMETRIC, &typed).is_err());
    let token = key.sign_jwt(None, &claims()).unwrap();
    assert!(verify_jwt::<Value>(&token, &set, Algorithms::ASYMMETRIC, &typed).is_err());
    let token = key.sign_jwt(Some("application/AT+JWT"), &claims()).unwrap();
    assert!(verify_jwt::<Value>(&token, &set, Algorithms::ASYMMETRIC, &typed).is_ok());
}

#[test]
fn a_key_is_found_by_its_name_and_no_other_is_tried() {
    let (first, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let (second, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let both = KeySet::new(vec![first.verify_key().unwrap(), second.verify_key().unwrap()]);
    let token = second.sign_jwt(None, &claims()).unwrap();
    assert!(read(&token, &both, Algorithms::ASYMMETRIC).is_ok());
    let nameless = second.sign_with(&json!({"alg": "ES256"}), &claims()).unwrap();
    assert!(read(&nameless, &both, Algorithms::ASYMMETRIC).is_ok());
    let misnamed = second.sign_with(&json!({"alg": "ES256", "kid": first.kid()}), &claims()).unwrap();
    assert_eq!(read(&misnamed, &both, Algorithms::ASYMMETRIC), Err(JoseError::Signature));
    let unknown = second.sign_with(&json!({"alg": "ES256", "kid": "x"}), &claims()).unwrap();
    assert_eq!(read(&unknown, &both, Algorithms::ASYMMETRIC), Err(JoseError::UnknownKey));
}

#[test]
fn short_secrets_are_refused() {
    assert!(VerifyKey::hmac(&[1; 31]).is_err());
    assert!(SigningKey::hmac(&[1; 31]).is_err());
}

#[test]
fn json_has_limits() {
    let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
    assert!(json::parse(deep.as_bytes(), 1000).is_err());
    assert!(json::parse(format!("{}1{}", "[".repeat(16), "]".repeat(16)).as_bytes(), 1000).is_ok());
    let wide = format!("[{}1]", "1,".repeat(json::MAX_MEMBERS));
    assert!(json::parse(wide.as_bytes(), 10_000).is_err());
    assert!(json::parse(b"{}", 1).is_err());
}

#[test]
fn a_proof_is_for_one_address_however_it_is_written() {
    for (a, b, same) in [
        ("https://a.example/x", "https://A.example:443/x?q#f", true),
        ("https://a.example/x%7e%2f", "https://a.example/x~%2F", true),
        ("https://a.example/a/../x", "https://a.example/x", true),
        ("https://a.example", "https://a.example/", true),
        ("https://a.example/x", "https://a.example/x/", false),
        ("https://a.example/x", "https://a.example/X", false),
        ("https://a.example/x", "http://a.example/x", false),
        ("https://a.example/x", "https://a.example:444/x", false),
        ("https://a.example/x", "https://u@a.example/x", false),
        ("https://a.example/%2F", "https://a.example//", false),
        ("javascript:x", "javascript:x", false),
        ("", "", false),
    ] {
        assert_eq!(dpop::same_uri(a, b), same, "{a} {b}");
    }
}

#[test]
fn a_proof_with_a_private_key_or_without_its_parts_is_refused() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let body = json!({"jti": "1", "htm": "POST", "htu": "https://a.example/t", "iat": NOW.seconds()});
    let judge = |token: &str| {
        dpop::verify(
            token,
            &dpop::Expect {
                method: "POST",
                uri: "https://a.example/t",
                now: NOW,
                max_age: Duration::from_secs(60),
                leeway: Duration::ZERO,
                access_token: None,
                allowed: Algorithms::ASYMMETRIC,
                nonce: &|_| true,
            },
        )
    };
    assert!(judge(&key.sign_with_jwk("dpop+jwt", &body).unwrap()).is_ok());
    assert!(judge(&key.sign_with_jwk("JWT", &body).unwrap()).is_err());
    assert!(judge(&key.sign_jwt(Some("dpop+jwt"), &body).unwrap()).is_err());
    for name in ["jti", "htm", "htu", "iat"] {
        let mut less = body.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(judge(&key.sign_with_jwk("dpop+jwt", &less).unwrap()).is_err(), "{name}");
    }
    let mut jwk = key.jwk().unwrap().to_value();
    jwk["d"] = json!("AA");
    let token = key.sign_with(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}), &body).unwrap();
    assert_eq!(judge(&token), Err(dpop::DpopError::Refused(JoseError::PrivateKey)));
    // Somebody else's key in the header.
    let (other, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let jwk = Jwk::new(other.jwk().unwrap().key.clone()).to_value();
    let token = key.sign_with(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}), &body).unwrap();
    assert_eq!(judge(&token), Err(dpop::DpopError::Refused(JoseError::Signature)));
}

#[test]
fn strict_base64url() {
    assert_eq!(base64url_decode("AQ").unwrap(), [1]);
    for wrong in ["AQ==", "AR", "A", "A Q", "AQ\n", "+/", "Ä"] {
        assert!(base64url_decode(wrong).is_err(), "{wrong:?}");
    }
    // RFC 7636, appendix B.
    let digest = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    assert!(is_digest(digest));
    let (short, padded, other) = (digest.get(..42).unwrap(), format!("{digest}="), digest.replace('-', "+"));
    // The last letter has two bits too many: one more text for the same digest.
    let twin = format!("{short}N");
    for wrong in ["", "plain", short, &padded, &other, &twin, &"A".repeat(44)] {
        assert!(!is_digest(wrong), "{wrong}");
    }
}
