//! Proofs of a device's key (W3C, "Device Bound Session Credentials", §"DBSC Proof JWT Syntax"): a browser shows that a session is still on
//! the device on which it began.

use crate::{Algorithm, Algorithms, JoseError, Jwk, Unverified, VerifyKey};

/// The kind of token (`typ`).
const TYPE: &str = "dbsc+jwt";
/// Characters of the challenge that is given back.
const MAX_CHALLENGE: usize = 512;
/// What browsers offer; `none`, which the draft has too, proves nothing.
pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// What a verified registration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device's key.
    pub key: Jwk,
    /// The challenge that it signed.
    pub challenge: String,
}

/// Verifies a registration: signed by the key that stands in its header. Whether the challenge is one is the caller's to say.
///
/// # Errors
/// Where it is malformed, of another kind, without a key, or not signed by it.
pub fn registration(text: &str) -> Result<Registration, JoseError> {
    let unverified = Unverified::parse_with(text, true)?;
    kind(&unverified)?;
    let jwk = unverified.jwk().ok_or(JoseError::Header("jwk"))?.clone();
    let challenge = challenge(unverified, &jwk)?;
    Ok(Registration { key: Jwk::new(jwk.key), challenge })
}

/// Verifies a renewal by the key that was registered: the challenge that it signed. A renewal names no key.
///
/// # Errors
/// Where it is malformed, of another kind, or not signed by `key`.
pub fn renewal(text: &str, key: &Jwk) -> Result<String, JoseError> {
    let unverified = Unverified::parse(text)?;
    kind(&unverified)?;
    challenge(unverified, key)
}

fn kind(unverified: &Unverified<'_>) -> Result<(), JoseError> {
    if unverified.typ() == Some(TYPE) { Ok(()) } else { Err(JoseError::Header("typ")) }
}

fn challenge(unverified: Unverified<'_>, key: &Jwk) -> Result<String, JoseError> {
    let allowed = Algorithms::of(&ALGORITHMS);
    let claims = unverified.verify_by(&VerifyKey::new(key)?, allowed)?.into_claims();
    let challenge = claims.get("jti").and_then(serde_json::Value::as_str).unwrap_or_default();
    if challenge.is_empty() || challenge.len() > MAX_CHALLENGE {
        return Err(JoseError::Claim("jti"));
    }
    Ok(challenge.to_owned())
}

/// The key as it is kept: JSON, read again by [`Jwk::parse`].
#[must_use]
pub fn kept(key: &Jwk) -> String {
    key.to_value().to_string()
}

/// The text of a structured field that is one string (RFC 9651 §3.3.3): as browsers write `Secure-Session-Response` and
/// `Sec-Secure-Session-Id`. Early browsers wrote it bare.
#[must_use]
pub fn field(value: &str) -> Option<&str> {
    let value = value.trim();
    if value.len() > crate::MAX_TOKEN {
        return None;
    }
    let Some(rest) = value.strip_prefix('"') else {
        let bare = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        return (bare && !value.is_empty()).then_some(value);
    };
    let (text, parameters) = rest.split_once('"')?;
    let clean = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (clean && (parameters.is_empty() || parameters.starts_with(';'))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;
    use proptest::prelude::*;
    use serde_json::json;

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(algorithm).unwrap().0
    }

    #[test]
    fn a_key_registers_itself_and_renews_without_being_named() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let device = key(algorithm);
            let proof = device.sign_with_jwk(TYPE, &json!({"jti": "challenge"})).unwrap();
            let said = registration(&proof).unwrap();
            assert_eq!(said.challenge, "challenge");
            let kept = Jwk::parse(&kept(&said.key)).unwrap();
            assert_eq!(kept, said.key);
            let again =
                device.sign_with(&json!({"alg": algorithm.name(), "typ": TYPE}), &json!({"jti": "next"})).unwrap();
            assert_eq!(renewal(&again, &kept).unwrap(), "next");
            // Another's proof, one of another kind, one that names a key.
            let other = key(algorithm);
            let theirs =
                other.sign_with(&json!({"alg": algorithm.name(), "typ": TYPE}), &json!({"jti": "next"})).unwrap();
            assert!(renewal(&theirs, &kept).is_err());
            assert!(renewal(&proof, &kept).is_err());
            assert!(registration(&again).is_err());
            let dpop = device.sign_with_jwk("dpop+jwt", &json!({"jti": "challenge"})).unwrap();
            assert_eq!(registration(&dpop), Err(JoseError::Header("typ")));
            for claims in [json!({}), json!({"jti": ""}), json!({"jti": 1}), json!({"jti": "x".repeat(513)})] {
                let proof = device.sign_with_jwk(TYPE, &claims).unwrap();
                assert_eq!(registration(&proof), Err(JoseError::Claim("jti")), "{claims}");
            }
        }
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiZGJzYytqd3QifQ.eyJqdGkiOiJ4In0.";
        assert!(registration(none).is_err());
    }

    #[test]
    fn a_field_is_one_string() {
        assert_eq!(field("\"a.b-c_d\""), Some("a.b-c_d"));
        assert_eq!(field(" \"a\";x=1 "), Some("a"));
        assert_eq!(field("a.b"), Some("a.b"));
        for wrong in ["", "\"", "\"a", "\"a\"b", "\"a\\\"b\"", "a b", "\"a\", \"b\"", "\"\u{e9}\""] {
            assert_eq!(field(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_proof_by_accident(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}") {
            let _ = field(&text);
            prop_assert!(registration(&text).is_err());
        }
    }
}
