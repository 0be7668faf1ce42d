//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §3) and `/.well-known/oauth-authorization-server` (RFC 8414): what
//! this server can do. It says what works and nothing else: what is promised comes from the lists that are looked at when it is asked for.

use crate::frame::{error::OAuthError, headers::readable_everywhere, place::Place};
use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use jose::Algorithms;
use serde_json::{Map, Value, json};

/// How long the answer may be kept, in seconds.
const KEPT: &str = "public, max-age=300";

/// The algorithms of what is signed for a client: by our keys, or by the secret that it shares.
const SIGNED_WITH: Algorithms = Algorithms::of(&sso::signing::ALGORITHMS).or(Algorithms::HMAC);
/// What a token says beside what it tells of its person.
const TOKENS_OWN: [&str; 13] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "c_hash"];
/// What a person's claims can be asked for with, beside `openid`.
pub(crate) const SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

/// `GET /.well-known/openid-configuration`.
pub(super) async fn openid(place: Place) -> Result<Response, OAuthError> {
    let open = registers(&place).await?;
    Ok(answer(&document(&place, true, open)))
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn oauth(place: Place) -> Result<Response, OAuthError> {
    let open = registers(&place).await?;
    Ok(answer(&document(&place, false, open)))
}

/// Whether somebody may register an application now.
async fn registers(place: &Place) -> Result<bool, OAuthError> {
    let open = place.sso().store().tenant(place.tenant).registration_is_open(place.now()).await;
    open.map_err(|error| OAuthError::ours(&error))
}

fn answer(document: &Map<String, Value>) -> Response {
    let text = serde_json::to_string(document).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    readable_everywhere(headers);
    response
}

fn document(place: &Place, is_openid: bool, registers: bool) -> Map<String, Value> {
    let mut out = Map::new();
    let mut say = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    say("issuer", place.issuer.as_str().into());
    for (name, path) in [
        ("authorization_endpoint", super::AUTHORIZE),
        ("token_endpoint", "/oidc/token"),
        ("jwks_uri", super::JWKS),
        ("introspection_endpoint", "/oidc/introspect"),
        ("revocation_endpoint", "/oidc/revoke"),
        ("pushed_authorization_request_endpoint", "/oidc/par"),
        ("device_authorization_endpoint", "/oidc/device_authorization"),
    ] {
        say(name, place.url(path).into());
    }
    if let Some(port) = place.door.mtls_port {
        // RFC 8705 §5: the same endpoints, where a certificate is asked for.
        let base = format!("https://{}:{port}", place.api_host);
        let aliases = [
            ("token_endpoint", "/oidc/token"),
            ("introspection_endpoint", "/oidc/introspect"),
            ("revocation_endpoint", "/oidc/revoke"),
            ("pushed_authorization_request_endpoint", "/oidc/par"),
            ("device_authorization_endpoint", "/oidc/device_authorization"),
            ("userinfo_endpoint", super::USERINFO),
        ];
        let aliases: Map<String, Value> =
            aliases.into_iter().map(|(name, path)| (name.to_owned(), format!("{base}{path}").into())).collect();
        say("mtls_endpoint_aliases", Value::Object(aliases));
        say("tls_client_certificate_bound_access_tokens", true.into());
    }
    if registers {
        say("registration_endpoint", place.url(super::REGISTER).into());
    }
    say("scopes_supported", json!(SCOPES));
    say("response_types_supported", json!(["code"]));
    say("response_modes_supported", json!(["query", "form_post"]));
    say(
        "grant_types_supported",
        json!([
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ]),
    );
    let mut shown = vec!["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];
    if place.door.mtls_port.is_some() {
        shown.extend(["tls_client_auth", "self_signed_tls_client_auth"]);
    }
    let any: Vec<&str> = shown.iter().copied().chain(["none"]).collect();
    let assertions = Algorithms::ASYMMETRIC.or(Algorithms::HMAC).names();
    // Who hasn't shown who it is could try tokens where they are introspected.
    for (endpoint, methods) in [("token", &any), ("introspection", &shown), ("revocation", &any)] {
        say(&format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
        say(&format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), json!(assertions));
    }
    say("code_challenge_methods_supported", json!(["S256"]));
    say("dpop_signing_alg_values_supported", json!(Algorithms::ASYMMETRIC.names()));
    say("authorization_response_iss_parameter_supported", true.into());
    say("require_pushed_authorization_requests", false.into());
    say("require_signed_request_object", false.into());
    say("request_parameter_supported", true.into());
    // Of pushed requests only: nothing is fetched (OpenID Connect Core §6.2 would have it).
    say("request_uri_parameter_supported", false.into());
    say("request_object_signing_alg_values_supported", json!(Algorithms::ASYMMETRIC.names()));
    if is_openid {
        say("userinfo_endpoint", place.url(super::USERINFO).into());
        say("end_session_endpoint", place.url(super::LOGOUT).into());
        say("subject_types_supported", json!(["public", "pairwise"]));
        say("id_token_signing_alg_values_supported", json!(SIGNED_WITH.names()));
        say("userinfo_signing_alg_values_supported", json!(SIGNED_WITH.names()));
        say("acr_values_supported", json!(acrs()));
        say("display_values_supported", json!(["page"]));
        say("prompt_values_supported", json!(["none", "login", "consent", "select_account"]));
        say("claim_types_supported", json!(["normal"]));
        say("claims_parameter_supported", true.into());
        let told = sso::claims::STANDARD.iter().map(|(_, name)| *name);
        say("claims_supported", TOKENS_OWN.into_iter().chain(told).collect());
        say("frontchannel_logout_supported", true.into());
        say("frontchannel_logout_session_supported", true.into());
        say("backchannel_logout_supported", true.into());
        say("backchannel_logout_session_supported", true.into());
    }
    out
}

fn acrs() -> Vec<&'static str> {
    use auth::sign_in::Level;
    [Level::Single, Level::Multi, Level::PhishingResistant, Level::Hardware].map(Level::acr).to_vec()
}
