//! What may be set and what may not.

use super::Settings;
use crate::SsoError;
use serde_json::{Value, json};

/// An OpenID client with `more` set; the place of what is refused.
fn refused(more: Value) -> Option<String> {
    let mut client = json!({ "redirect_uris": ["https://app.example/cb"] });
    client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: Settings = serde_json::from_value(json!({ "oidc": client })).unwrap();
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
