//! Request objects (RFC 9101): a request that its client has signed. By value only: nothing is fetched.

use super::client_keys;
use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use jose::{Algorithm, Algorithms, Audience, Expect, JoseError, Unverified, verify_jwt};
use serde_json::{Map, Value};
use sso::{OidcClient, RelyingParty};
use std::time::Duration;

/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(10);
/// How old a request may be, and how long before its end it may come.
const LONGEST: Duration = Duration::from_secs(3600);
/// What is said about the object and isn't asked by it.
const ABOUT: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];

const WRONG: OAuthError =
    OAuthError::new(Code::InvalidRequestObject, "The request object is not one of this client for this server.");
const NO_KEYS: OAuthError =
    OAuthError::new(Code::RequestNotSupported, "This client has no keys to sign requests with.");

/// The parameters of a request object that came through a browser.
pub(crate) async fn opened(
    place: &Place,
    party: &RelyingParty,
    text: &str,
) -> Result<Vec<(String, String)>, OAuthError> {
    let client = party.oidc().ok_or(WRONG)?;
    if client.fapi || client.require_par {
        return Err(OAuthError::invalid_request("This client must push its requests (RFC 9126)."));
    }
    read(place, party, text).await
}

/// The parameters of a request object.
pub(super) async fn read(place: &Place, party: &RelyingParty, text: &str) -> Result<Vec<(String, String)>, OAuthError> {
    let client = party.oidc().ok_or(WRONG)?;
    let kid = match Unverified::parse(text) {
        Ok(unverified) => unverified.kid().map(str::to_owned),
        Err(_) => return Err(WRONG),
    };
    let keys = client_keys::of(place, client, &kid).await.ok_or(NO_KEYS)?;
    let audience = [place.issuer.as_str()];
    let expect = Expect {
        issuer: Some(&party.key),
        audience: Audience::OneOf(&audience),
        types: &["oauth-authz-req+jwt", "jwt"],
        typeless: true,
        now: place.now(),
        leeway: LEEWAY,
        // FAPI 2.0 Message Signing §5.3.1 wants it; the RFC leaves it to the client.
        needs_expiry: client.fapi,
        longest: Some(LONGEST),
    };
    let claims = verify_jwt::<Map<String, Value>>(text, &keys, allowed(client), &expect);
    let claims = claims.map_err(|error: JoseError| {
        tracing::info!(tenant = %place.tenant, ikey = party.ikey(), %error, "a request object was refused");
        WRONG
    })?;
    let claims = claims.into_claims();
    // One that says neither would be good for ever, for whoever has seen it once.
    if !["exp", "iat"].iter().any(|name| claims.contains_key(*name)) {
        return Err(WRONG);
    }
    pairs(claims, &party.key)
}

fn allowed(client: &OidcClient) -> Algorithms {
    let all = if client.fapi { Algorithms::FAPI } else { Algorithms::ASYMMETRIC };
    match &client.request_object_alg {
        None => all,
        Some(name) => Algorithm::from_name(name).map_or(Algorithms::default(), |one| Algorithms::from(one).and(all)),
    }
}

/// As they would stand in an address.
pub(crate) fn pairs(claims: Map<String, Value>, client_id: &str) -> Result<Vec<(String, String)>, OAuthError> {
    if claims.get("client_id").is_some_and(|value| value.as_str() != Some(client_id))
        || ["request", "request_uri"].iter().any(|name| claims.contains_key(*name))
    {
        return Err(WRONG);
    }
    let mut out = vec![("client_id".to_owned(), client_id.to_owned())];
    for (name, value) in claims {
        if ABOUT.contains(&name.as_str()) || name == "client_id" {
            continue;
        }
        match value {
            Value::String(text) => out.push((name, text)),
            Value::Number(number) => out.push((name, number.to_string())),
            Value::Array(list) if name == "resource" => {
                for one in list {
                    out.push((name.clone(), one.as_str().ok_or(WRONG)?.to_owned()));
                }
            }
            // `claims` is an object there, and its text here.
            object @ Value::Object(_) => out.push((name, object.to_string())),
            _ => return Err(WRONG),
        }
    }
    Ok(out)
}
