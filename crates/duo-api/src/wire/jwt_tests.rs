//! JWTs of clients, and of others.

use super::*;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: Millis = Millis(1_795_280_601_805);

fn secret() -> SecretString {
    SecretString::new("yWHSMhWucAcp7qvuH3HWTaSaKABs8Gaddiv1NIRo".to_owned())
}

fn part(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

/// Signs by hand, with any header.
fn made(header: &Value, claims: &Value, key: &[u8]) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let algorithm = match header["alg"].as_str() {
        Some("HS256") => aws_lc_rs::hmac::HMAC_SHA256,
        Some("HS384") => aws_lc_rs::hmac::HMAC_SHA384,
        _ => aws_lc_rs::hmac::HMAC_SHA512,
    };
    let tag = aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(algorithm, key), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

fn claims() -> Value {
    json!({ "iss": "DIXXXXXXXXXXXXXXXXXX", "exp": 1_795_280_901.805_099, "name": "z" })
}

fn read(text: &str) -> Result<Value, JwtError> {
    UnverifiedJwt::read(text)?.verify(&secret()).map(VerifiedJwt::into_claims)
}

#[test]
fn both_algorithms_of_a_shared_secret_are_read_with_and_without_a_type() {
    for header in [
        json!({ "alg": "HS512" }),
        json!({ "alg": "HS512", "typ": "JWT" }),
        json!({ "alg": "HS256", "typ": "jwt" }),
        json!({ "alg": "HS256", "kid": "unused" }),
    ] {
        let text = made(&header, &claims(), secret().expose().as_bytes());
        assert_eq!(read(&text), Ok(claims()), "{header}");
        assert_eq!(UnverifiedJwt::read(&text).unwrap().claimed_issuer(), Some("DIXXXXXXXXXXXXXXXXXX"));
        assert_eq!(
            UnverifiedJwt::read(&text).unwrap().verify::<Value>(&SecretString::new("x".repeat(40))).err(),
            Some(JwtError::Signature)
        );
    }
}

#[test]
fn no_other_algorithm_is_and_no_extension() {
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "" }),
        json!({ "alg": "hs512" }),
        json!({ "alg": "HS384" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": "ES512" }),
        json!({ "alg": "PS512" }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": ["HS512"] }),
        json!({ "typ": "JWT" }),
        json!({ "alg": "HS512", "crit": ["exp"] }),
        json!({ "alg": "HS512", "crit": ["b64"], "b64": false }),
        json!({ "alg": "HS512", "typ": "at+jwt" }),
    ] {
        let text = made(&header, &claims(), secret().expose().as_bytes());
        assert!(matches!(read(&text), Err(JwtError::Malformed | JwtError::Algorithm)), "{header}");
    }
    // Neither is a signature left out, nor one by the algorithm that the header doesn't name.
    let whole = made(&json!({ "alg": "HS512" }), &claims(), secret().expose().as_bytes());
    let bare = whole.rsplit_once('.').unwrap().0;
    let other = made(&json!({ "alg": "HS256" }), &claims(), secret().expose().as_bytes());
    let crossed = format!("{bare}.{}", other.rsplit_once('.').unwrap().1);
    for text in [bare, &format!("{bare}."), &crossed, &format!("{bare}.AAAA"), "", ".", "..", "...", "a.b.c"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    #[derive(Deserialize, Debug)]
    struct Wanted {
        #[expect(dead_code, reason = "only read")]
        iss: String,
    }
    let header = part(&json!({ "alg": "HS512" }));
    for body in [r#"{"iss":"a","iss":"b"}"#, r#"{"iss":"a","exp":1,"iss":"a"}"#] {
        let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(body.as_bytes()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, secret().expose().as_bytes());
        let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
        let text = format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()));
        assert!(UnverifiedJwt::read(&text).and_then(|jwt| jwt.verify::<Wanted>(&secret())).is_err(), "{body}");
    }
}

#[test]
fn what_is_signed_is_read_back_and_by_hs512() {
    let text = sign(&secret(), &claims()).unwrap();
    let header = BASE64URL_NOPAD.decode(text.split('.').next().unwrap().as_bytes()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&header).unwrap(), json!({ "typ": "JWT", "alg": "HS512" }));
    assert_eq!(read(&text), Ok(claims()));
}

#[test]
fn every_changed_byte_is_noticed() {
    let text = made(&json!({ "alg": "HS512" }), &claims(), secret().expose().as_bytes());
    for place in 0..text.len() {
        for byte in [b'A', b'B', b'_', b'.', b'=', b' '] {
            let mut bytes = text.clone().into_bytes();
            if std::mem::replace(&mut bytes[place], byte) == byte {
                continue;
            }
            assert!(read(std::str::from_utf8(&bytes).unwrap()).is_err(), "{place} {byte}");
        }
        assert!(read(&text[..place]).is_err());
    }
    for more in ["A", "=", ".", " ", "\n"] {
        assert!(read(&format!("{text}{more}")).is_err() && read(&format!("{more}{text}")).is_err());
    }
}

#[test]
fn a_long_one_is_not_even_decoded() {
    let text = made(&json!({ "alg": "HS512" }), &json!({ "state": "x".repeat(LONGEST) }), b"any");
    assert_eq!(UnverifiedJwt::read(&text).err(), Some(JwtError::Malformed));
}

fn date(seconds: f64) -> NumericDate {
    NumericDate::try_from(seconds).unwrap()
}

#[test]
fn constraint_7_times_have_fractions_and_a_minute_of_leeway() {
    let now = NOW.0 as f64 / 1000.0;
    let ok = |exp: f64, iat: Option<f64>| check_times(date(exp), iat.map(date), iat.map(date), NOW);
    for good in [now + 300.0, now + 0.001, now - 59.9, now + 359.9] {
        assert_eq!(ok(good, None), Ok(()), "{good}");
    }
    for bad in [now - 60.1, 0.0, now + 361.0, 9e10] {
        assert_eq!(ok(bad, None), Err(JwtError::Time), "{bad}");
    }
    assert_eq!(ok(now + 300.0, Some(now + 0.5)), Ok(()), "the npm client rounds to the nearest second");
    assert_eq!(ok(now + 300.0, Some(now - 1e6)), Ok(()));
    assert_eq!(ok(now + 300.0, Some(now + 61.0)), Err(JwtError::Time));
    for text in ["-1", "1e300", "\"1795280901\"", "true", "null", "[]", "1e11"] {
        assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
    }
    assert_eq!(serde_json::from_str::<NumericDate>("1795280601.805099").unwrap().millis().0 / 1000, 1_795_280_601);
    assert_eq!(serde_json::from_str::<NumericDate>("1795280601").unwrap().millis(), Millis(1_795_280_601_000));
}

#[test]
fn the_host_of_an_audience_is_the_tenants_as_the_client_wrote_it() {
    let host = |audience| host_of_audience(audience, "/oauth/v1/token", "api-alfa.example.test");
    for (audience, expected) in [
        ("https://api-alfa.example.test/oauth/v1/token", Some("api-alfa.example.test")),
        ("https://api-Alfa.Example.test:4443/oauth/v1/token", Some("api-Alfa.Example.test:4443")),
        ("http://api-alfa.example.test/oauth/v1/token", None),
        ("https://api-alfa.example.test", None),
        ("https://api-alfa.example.test/oauth/v1/authorize", None),
        ("https://api-alfa.example.test/x/oauth/v1/token", None),
        ("https://api-alfa.example.test./oauth/v1/token", None),
        ("https://api-bravo.example.test/oauth/v1/token", None),
        ("https://user@api-alfa.example.test/oauth/v1/token", None),
        ("https://api-alfa.example.test@evil.test/oauth/v1/token", None),
        ("https://api-alfa.example.test:/oauth/v1/token", None),
        ("https://api-alfa.example.test:0/oauth/v1/token", None),
        ("https://api-alfa.example.test:+443/oauth/v1/token", None),
        ("https://api-alfa.example.test:70000/oauth/v1/token", None),
        ("https:///oauth/v1/token", None),
    ] {
        assert_eq!(host(audience), expected, "{audience}");
    }
    assert_eq!(host_of_audience("https://", "", ""), None);
}

proptest! {
    #[test]
    fn garbage_is_refused_without_panic(text in "\\PC{0,200}") {
        prop_assert!(read(&text).is_err());
    }

    #[test]
    fn garbage_in_three_parts_is_too(header: Vec<u8>, claims: Vec<u8>, tag: Vec<u8>) {
        let text = [header, claims, tag].map(|part| BASE64URL_NOPAD.encode(&part)).join(".");
        prop_assert!(read(&text).is_err());
    }

    #[test]
    fn any_claims_are_read_back(name in "\\PC{0,40}", number: i64, known in 0_usize..2) {
        let claims = json!({ "name": name, "number": number });
        let header = json!({ "alg": (["HS512", "HS256"])[known] });
        prop_assert_eq!(read(&made(&header, &claims, secret().expose().as_bytes())), Ok(claims));
    }
}
