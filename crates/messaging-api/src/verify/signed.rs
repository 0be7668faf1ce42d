//! What a device's key has signed: its own factor's name, and answers to challenges, as Twilio's libraries for devices make them
//! (`twilio-verify-android`: `PushFactory`, `PushChallengeProcessor`, `JwtGenerator`).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A P-256 key as `SubjectPublicKeyInfo` has this before its point (RFC 5480 §2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point.
const POINT: usize = 65;
/// The longest answer, in characters.
const MAX_JWT: usize = 16 * 1024;

/// The point of a P-256 key in DER.
pub(super) fn point(der: &[u8]) -> Option<&[u8]> {
    let point = der.strip_prefix(&SPKI)?;
    let good = point.len() == POINT && point.first() == Some(&4);
    // A point that isn't on the curve verifies nothing; it is refused now rather than never.
    good.then_some(point).filter(|point| {
        aws_lc_rs::agreement::UnparsedPublicKey::new(&aws_lc_rs::agreement::ECDH_P256, point);
        aws_lc_rs::signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok()
    })
}

/// Whether `payload` is the signature, base64 of DER, over `message`.
pub(super) fn is_signed(message: &[u8], payload: &str, key: &[u8]) -> bool {
    let signature = if payload.len() > 256 { None } else { BASE64.decode(payload.trim().as_bytes()).ok() };
    signature.is_some_and(|signature| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, &signature).is_ok()
    })
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// What a JWT says, after its signature by `key` was found right (RFC 7515, ES256 and nothing else).
pub(super) fn claims(jwt: &str, key: &[u8]) -> Option<Map<String, Value>> {
    if jwt.len() > MAX_JWT {
        return None;
    }
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    if header.alg != "ES256" {
        return None;
    }
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    key.verify(signed.as_bytes(), &decode(signature)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

/// Whatever comes as a payload.
pub(crate) fn fuzz(text: &str) {
    let key = [4; POINT];
    let _ = (claims(text, &key), is_signed(b"YF", text, &key), point(text.as_bytes()));
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use proptest::prelude::*;
    use serde_json::json;

    fn pair() -> (EcdsaKeyPair, EcdsaKeyPair) {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        (
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap(),
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref()).unwrap(),
        )
    }

    fn jwt(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    #[test]
    fn a_key_signs_for_itself_only() {
        let (fixed, asn1) = pair();
        let key = fixed.public_key().as_ref().to_vec();
        let der = [SPKI.as_slice(), &key].concat();
        assert_eq!(point(&der), Some(key.as_slice()));
        assert_eq!(point(&der[..90]), None);
        let mut off = der.clone();
        off[90] ^= 1;
        assert_eq!(point(&off), None, "not on the curve");
        let signature = asn1.sign(&SystemRandom::new(), b"YF1").unwrap();
        let signature = BASE64.encode(signature.as_ref());
        assert!(is_signed(b"YF1", &signature, &key));
        assert!(!is_signed(b"YF2", &signature, &key));
        assert!(!is_signed(b"YF1", "", &key));
        let token = jwt(&fixed, &json!({ "alg": "ES256", "typ": "JWT" }), &json!({ "sid": "YC1" }));
        assert_eq!(claims(&token, &key).unwrap()["sid"], "YC1");
        assert!(claims(&token, pair().0.public_key().as_ref()).is_none());
        for alg in ["none", "HS256", "ES384"] {
            assert!(claims(&jwt(&fixed, &json!({ "alg": alg }), &json!({})), &key).is_none(), "{alg}");
        }
        let (head, _) = token.rsplit_once('.').unwrap();
        assert!(claims(&format!("{head}."), &key).is_none());
    }

    proptest! {
        #[test]
        fn anything_else_is_refused(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}") {
            let key = pair().0.public_key().as_ref().to_vec();
            prop_assert!(claims(&text, &key).is_none());
            prop_assert!(!is_signed(b"YF", &text, &key));
        }
    }
}
