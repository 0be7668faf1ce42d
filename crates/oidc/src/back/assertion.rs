//! A client signs who it is (RFC 7523 §3, OpenID Connect Core §9): once, for this issuer and no other.

use super::client_keys;
use crate::frame::{error::OAuthError, place::Place};
use jose::{Algorithm, Algorithms, Audience, Expect, KeySet, Unverified, VerifyKey, verify_jwt};
use serde::Deserialize;
use sso::{ClientAuth, OidcClient, RelyingParty};
use std::time::Duration;
use types::Millis;

/// `client_assertion_type`.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(10);
/// The longest life of an assertion: its `jti` is kept so long.
const LONGEST: Duration = Duration::from_secs(3600);
/// Characters of a `jti`.
const LONGEST_JTI: usize = 512;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    jti: String,
    exp: f64,
}

/// Whose assertion it says it is: to find the keys with.
pub(super) fn claimed(text: &str) -> Option<String> {
    Unverified::parse(text).ok()?.hint("sub")
}

/// Whether it is this client's, for this issuer, in time, and was never seen before.
pub(super) async fn is_right(place: &Place, party: &RelyingParty, text: &str) -> Result<bool, OAuthError> {
    let Some(client) = party.oidc() else { return Ok(false) };
    let allowed = allowed(client);
    let keys = match client.auth_method {
        ClientAuth::ClientSecretJwt => {
            match party.shared_secret().map(|secret| VerifyKey::hmac(secret.expose().as_bytes())) {
                Some(Ok(key)) => KeySet::from(key),
                _ => return Ok(false),
            }
        }
        _ => match client_keys::of(place, client, &text_kid(text)).await {
            Some(keys) => keys,
            None => return Ok(false),
        },
    };
    // The issuer alone: an assertion for another address of ours could have been asked for by another server (RFC 7523bis).
    let audience = [place.issuer.as_str()];
    let mut expect = Expect::new(&party.key, Audience::Only(&audience), place.now()).with_leeway(LEEWAY);
    (expect.types, expect.longest) = (&["jwt", "client-authentication+jwt"], Some(LONGEST));
    let claims = match verify_jwt::<Claims>(text, &keys, allowed, &expect) {
        Ok(verified) => verified.into_claims(),
        Err(error) => {
            tracing::info!(tenant = %place.tenant, ikey = party.ikey(), %error, "a client's assertion was refused");
            return Ok(false);
        }
    };
    if claims.sub != party.key || claims.jti.is_empty() || claims.jti.len() > LONGEST_JTI {
        return Ok(false);
    }
    #[expect(clippy::cast_possible_truncation, reason = "verified to lie before the year 10000")]
    let until = Millis::from_seconds(claims.exp as i64 + 1) + LEEWAY;
    let new = place.sso().grants().once(place.tenant, "assertion", &party.key, &claims.jti, until).await;
    new.map_err(|error| OAuthError::ours(&error))
}

fn text_kid(text: &str) -> Option<String> {
    Unverified::parse(text).ok()?.kid().map(str::to_owned)
}

/// The algorithms that are set for this client, never those of the token.
pub(super) fn allowed(client: &OidcClient) -> Algorithms {
    let by_method = match client.auth_method {
        ClientAuth::ClientSecretJwt => Algorithms::HMAC,
        _ if client.fapi => Algorithms::FAPI,
        _ => Algorithms::ASYMMETRIC,
    };
    match &client.auth_signing_alg {
        None => by_method,
        Some(name) => {
            Algorithm::from_name(name).map_or(Algorithms::default(), |one| Algorithms::from(one).and(by_method))
        }
    }
}
