//! Examples that others have computed.

use crate::{
    Algorithm, Algorithms, Audience, Expect, JoseError, Jwk, JwkSet, KeySet, Unverified, VerifyKey, base64url_decode,
    dpop, half_hash, verify_jwt,
};
use serde_json::{Map, Value};
use std::time::Duration;
use types::Millis;

/// RFC 7515, appendix A: the payload of A.1 to A.3.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
/// RFC 7515, A.1.
const SECRET: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
/// RFC 7515, A.2.
const RSA: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
/// RFC 7515, A.3.
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const P256_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 8037, appendix A.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn jws(header: &str, signature: &str) -> String {
    format!("{header}.{PAYLOAD}.{signature}")
}

fn joe(token: &str, keys: &KeySet, allowed: Algorithms) -> Result<Map<String, Value>, JoseError> {
    let expect = Expect::new("joe", Audience::Unchecked, Millis::from_seconds(1_300_819_379));
    verify_jwt(token, keys, allowed, &expect).map(crate::Verified::into_claims)
}

#[test]
fn rfc7515_a1_to_a3() {
    let secret = base64url_decode(SECRET).unwrap();
    let hmac = KeySet::from(VerifyKey::hmac(&secret).unwrap());
    let token = jws("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(joe(&token, &hmac, Algorithms::HMAC).unwrap()["http://example.com/is_root"], true);
    let of = |jwk: &str| KeySet::from(VerifyKey::new(&Jwk::parse(jwk).unwrap()).unwrap());
    for (header, key, signature) in
        [("eyJhbGciOiJSUzI1NiJ9", RSA, RSA_SIGNATURE), ("eyJhbGciOiJFUzI1NiJ9", P256, P256_SIGNATURE)]
    {
        assert_eq!(joe(&jws(header, signature), &of(key), Algorithms::ASYMMETRIC).unwrap()["iss"], "joe");
        // Times, one second on.
        let late = Expect::new("joe", Audience::Unchecked, Millis::from_seconds(1_300_819_380));
        let read = verify_jwt::<Value>(&jws(header, signature), &of(key), Algorithms::ASYMMETRIC, &late);
        assert_eq!(read.unwrap_err(), JoseError::Expired);
    }
}

#[test]
fn rfc7515_a5_an_unsecured_token_is_none() {
    let token = format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.");
    assert!(matches!(Unverified::parse(&token), Err(JoseError::Algorithm)));
}

#[test]
fn rfc8037_a2_to_a5() {
    let jwk = Jwk::parse(ED25519).unwrap();
    assert_eq!(jwk.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let key = VerifyKey::new(&jwk).unwrap();
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signature = base64url_decode(signature).unwrap();
    key.verify(Algorithm::EdDsa, message.as_bytes(), &signature).unwrap();
    key.verify(Algorithm::Ed25519, message.as_bytes(), &signature).unwrap();
    assert_eq!(key.verify(Algorithm::Es256, message.as_bytes(), &signature), Err(JoseError::Algorithm));
}

#[test]
fn rfc7638_3_1() {
    let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let jwk = Jwk::parse(jwk).unwrap();
    assert_eq!(jwk.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(jwk.kid.as_deref(), Some("2011-04-29"));
    assert_eq!(Jwk::from_value(&jwk.to_value()).unwrap(), jwk);
}

/// RFC 9449 §4.1, and the thumbprint of §6.1.
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

#[test]
fn rfc9449_4_1() {
    let expect = dpop::Expect {
        method: "POST",
        uri: "https://server.example.com/token",
        now: Millis::from_seconds(1_562_262_620),
        max_age: Duration::from_secs(60),
        leeway: Duration::from_secs(5),
        access_token: None,
        allowed: Algorithms::ASYMMETRIC,
        nonce: &|nonce| nonce.is_none(),
    };
    let proof = dpop::verify(PROOF, &expect).unwrap();
    assert_eq!(proof.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.jti, "-BwC3ESc6acc2lTc");
    let other = |change: dpop::Expect<'_>| dpop::verify(PROOF, &change).unwrap_err();
    let refused = |error: JoseError| dpop::DpopError::Refused(error);
    assert_eq!(other(dpop::Expect { method: "GET", ..expect }), refused(JoseError::Claim("htm")));
    assert_eq!(other(dpop::Expect { uri: "https://server.example.com/x", ..expect }), refused(JoseError::Claim("htu")));
    assert_eq!(other(dpop::Expect { access_token: Some("t"), ..expect }), refused(JoseError::Claim("ath")));
    assert_eq!(other(dpop::Expect { allowed: Algorithms::HMAC, ..expect }), refused(JoseError::Algorithm));
    assert_eq!(other(dpop::Expect { nonce: &|nonce| nonce.is_some(), ..expect }), dpop::DpopError::Nonce);
    // Each bound, a second before and after.
    for (now, right) in [(1_562_262_610, false), (1_562_262_611, true), (1_562_262_675, true), (1_562_262_676, false)] {
        let at = dpop::Expect { now: Millis::from_seconds(now), ..expect };
        assert_eq!(dpop::verify(PROOF, &at).is_ok(), right, "{now}");
    }
    // A proof is no other kind of token, and no other kind of token is a proof.
    assert!(matches!(Unverified::parse(PROOF), Err(JoseError::Header("jwk"))));
}

#[test]
fn openid_connect_core_a_the_left_half() {
    // OpenID Connect Core, appendix A.3 (`code id_token`) and A.4 (`id_token token`), as published.
    assert_eq!(half_hash(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(
        half_hash(Algorithm::Rs256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
        "LDktKdoQak3Pk0cnXxCltA"
    );
}

#[test]
fn a_set_leaves_out_what_it_does_not_know_and_refuses_private_keys() {
    let set = format!(
        r#"{{"keys":[{RSA},{{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}},{{"kty":"new"}},{ED25519},{{"kty":"RSA","use":"enc","n":"AQ","e":"AQAB"}}]}}"#
    );
    assert_eq!(JwkSet::parse(set.as_bytes()).unwrap().keys.len(), 2);
    let private = P256.replace(r#""y""#, r#""d":"AA","y""#);
    assert_eq!(JwkSet::parse(format!(r#"{{"keys":[{private}]}}"#).as_bytes()), Err(JoseError::PrivateKey));
    assert_eq!(Jwk::parse(r#"{"kty":"oct","k":"AA"}"#), Err(JoseError::PrivateKey));
    // A key of 1024 bits, and an exponent of 1.
    assert!(Jwk::parse(&format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, "_".repeat(171))).is_err());
    assert!(Jwk::parse(&RSA.replace("AQAB", "AQ")).is_err());
    // A point that isn't on the curve.
    let off = P256.replace("x_FEz", "x_FEa");
    assert!(VerifyKey::new(&Jwk::parse(&off).unwrap()).is_err());
}

/// RFC 7520: the payload of §4.
const BILBO: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

#[test]
fn rfc7520_4_1_and_4_4() {
    let jwk = r#"{"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"}"#;
    let rsa = VerifyKey::new(&Jwk::parse(jwk).unwrap()).unwrap();
    let hmac = VerifyKey::hmac(&base64url_decode("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg").unwrap()).unwrap();
    let cases = [
        (
            Algorithm::Rs256,
            rsa,
            "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
            "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
        ),
        (
            Algorithm::Hs256,
            hmac,
            "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
            "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        ),
    ];
    for (algorithm, key, header, signature) in cases {
        let message = format!("{header}.{BILBO}");
        let signature = base64url_decode(signature).unwrap();
        assert_eq!(key.verify(algorithm, message.as_bytes(), &signature), Ok(()), "{algorithm}");
        // The payload is no claims: nothing of it can be read.
        let token = format!("{message}.{}", crate::base64url(&signature));
        let allowed = Algorithms::from(algorithm);
        assert_eq!(
            Unverified::parse(&token).unwrap().verify(&KeySet::from(key), allowed).unwrap_err(),
            JoseError::Malformed("JSON")
        );
    }
}
