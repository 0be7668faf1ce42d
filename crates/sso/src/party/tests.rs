//! What may be set and what may not.

use super::Settings;
use crate::SsoError;
use data_encoding::BASE64;
use serde_json::{Value, json};

/// An OpenID client with `more` set; the place of what is refused.
fn refused(more: Value) -> Option<String> {
    let mut client = json!({ "redirect_uris": ["https://app.example/cb"] });
    client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    of(json!({ "oidc": client }))
}

/// The place of what is refused in whole settings.
fn of(settings: Value) -> Option<String> {
    let settings: Settings = serde_json::from_value(settings).unwrap();
    match settings.check("key") {
        Ok(()) => None,
        Err(SsoError::Invalid { at, .. }) => Some(at),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn no_algorithm_can_be_set_that_is_not_done_there() {
    let keys = json!({ "keys": [] });
    for name in ["ES384", "RS384", "PS384", "RS512", "PS512", "none", "es256", ""] {
        for at in ["id_token_alg", "userinfo_alg", "auth_signing_alg", "request_object_alg"] {
            assert_eq!(refused(json!({ at: name })), Some(format!("oidc.{at}")), "{name}");
        }
    }
    for name in ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"] {
        for at in ["auth_signing_alg", "request_object_alg"] {
            assert_eq!(refused(json!({ "auth_method": "private_key_jwt", "jwks": keys, at: name })), None, "{name}");
        }
    }
    // By its own secret, or by its own key; ours are no such keys as these.
    let by_secret = |alg| json!({ "auth_method": "client_secret_jwt", "auth_signing_alg": alg });
    assert_eq!(
        (refused(by_secret("HS256")), refused(by_secret("ES256"))),
        (None, Some("oidc.auth_signing_alg".into()))
    );
    let by_key = json!({ "auth_method": "private_key_jwt", "jwks": keys, "auth_signing_alg": "HS256" });
    assert_eq!(refused(by_key).as_deref(), Some("oidc.auth_signing_alg"));
    assert_eq!(refused(json!({ "request_object_alg": "HS256" })).as_deref(), Some("oidc.request_object_alg"));
    assert_eq!(refused(json!({ "id_token_alg": "PS256" })).as_deref(), Some("oidc.id_token_alg"));
    for name in sso_names() {
        assert_eq!(refused(json!({ "id_token_alg": name, "userinfo_alg": name })), None, "{name}");
    }
}

fn sso_names() -> Vec<&'static str> {
    crate::signing::ALGORITHMS.iter().map(|one| one.name()).chain(["HS256"]).collect()
}

#[test]
fn fapi_takes_what_its_profile_names() {
    let fapi = |more: Value| {
        let mut all = json!({
            "fapi": true, "auth_method": "private_key_jwt", "jwks": { "keys": [] }, "dpop_required": true, "id_token_alg": "ES256",
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused(all)
    };
    assert_eq!(fapi(json!({})), None);
    assert_eq!(fapi(json!({ "auth_signing_alg": "PS256", "request_object_alg": "EdDSA" })), None);
    for at in ["id_token_alg", "userinfo_alg", "auth_signing_alg", "request_object_alg"] {
        assert_eq!(fapi(json!({ at: "RS256" })), Some(format!("oidc.{at}")));
    }
}

#[test]
fn a_certificate_that_could_never_count_is_refused_where_it_is_set() {
    let own = |keys: Value| refused(json!({ "auth_method": "self_signed_tls_client_auth", "jwks": keys }));
    let uri = json!({ "auth_method": "self_signed_tls_client_auth", "jwks_uri": "https://app.example/jwks" });
    assert_eq!(refused(uri).as_deref(), Some("oidc.jwks"));
    assert_eq!(own(json!({ "keys": [{ "kty": "EC" }] })).as_deref(), Some("oidc.jwks"));
    assert_eq!(own(json!({ "keys": [{ "kty": "EC", "x5c": [] }] })).as_deref(), Some("oidc.jwks"));
    assert_eq!(own(json!({ "keys": [{ "kty": "EC" }, { "kty": "EC", "x5c": ["MAA="] }] })), None);

    let named = |authorities: Option<&str>| {
        let tls = json!({ "san_dns": "app.example", "authorities": authorities });
        refused(json!({ "auth_method": "tls_client_auth", "tls": tls }))
    };
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for nothing in [None, Some(""), Some("a certificate")] {
        assert_eq!(named(nothing).as_deref(), Some("oidc.tls.authorities"));
    }
    assert_eq!(named(Some(pem)), None);
    assert_eq!(refused(json!({ "auth_method": "tls_client_auth" })).as_deref(), Some("oidc.tls"));
}

#[test]
fn a_service_providers_certificate_has_a_key_that_does_what_it_is_for() {
    let made = |algorithm| {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        BASE64.encode(rcgen::CertificateParams::default().self_signed(&pair).unwrap().der())
    };
    let [rsa, ec, ed] = [&rcgen::PKCS_RSA_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519].map(made);
    let refused = |more: Value| {
        let mut party = json!({ "acs": [{ "url": "https://sp.example/acs" }] });
        party.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of(json!({ "saml": party }))
    };
    assert_eq!(refused(json!({ "certificates": [rsa, ec] })), None);
    assert_eq!(refused(json!({ "certificates": vec![&ec; 8] })), None);
    assert_eq!(refused(json!({ "certificates": vec![&ec; 9] })).as_deref(), Some("saml.certificates"));
    let lines = format!("{}\n{}", &rsa[..64], &rsa[64..]);
    for wrong in ["", "MAA=", "not base64", &ed, &rsa[..rsa.len() / 8 * 4], &lines] {
        let at = refused(json!({ "certificates": [rsa, wrong] }));
        assert_eq!(at.as_deref(), Some("saml.certificates.1"), "{wrong}");
        for encrypt in [true, false] {
            let at = refused(json!({ "encryption_certificate": wrong, "encrypt": encrypt }));
            assert_eq!(at.as_deref(), Some("saml.encryption_certificate"), "{wrong}");
        }
    }
    let to = |certificate: &str| refused(json!({ "encryption_certificate": certificate, "encrypt": true }));
    assert_eq!((to(&rsa), to(&ec).as_deref()), (None, Some("saml.encryption_certificate")));
}

#[test]
fn an_address_is_looked_at_as_for_a_program_that_registers_itself() {
    for bad in ["https://*.example/cb", "http://a.example/cb", "javascript:alert(1)", "https://a@b.example/", "app:/cb"]
    {
        for at in ["redirect_uris", "post_logout_redirect_uris"] {
            assert_eq!(refused(json!({ at: [bad] })), Some(format!("oidc.{at}.0")), "{bad}");
        }
    }
    let own = |auth: &str| refused(json!({ "auth_method": auth, "redirect_uris": ["com.example.app:/cb"] }));
    assert_eq!((own("none"), own("client_secret_basic")), (None, Some("oidc.redirect_uris.0".into())));
}
