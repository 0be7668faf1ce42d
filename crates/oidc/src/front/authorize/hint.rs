//! An id token that an application gives back as a hint of who it means (`id_token_hint`). It was ours: signed by one of the tenant's keys,
//! by this issuer. That it is old changes nothing of whom it names.

use crate::frame::{error::OAuthError, place::Place};
use jose::{Algorithm, Algorithms, Audience, Expect, KeySet, Unverified, VerifyKey};
use serde::Deserialize;
use sso::Protocol;
use std::time::Duration;

/// Longer than any key is kept.
const AGES: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What is read of the hint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Hint {
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    /// The client that it was made for.
    #[serde(deserialize_with = "one")]
    pub(crate) aud: String,
}

/// An id token of ours has one audience; what has several isn't one.
fn one<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(one) => Ok(one),
        _ => Err(serde::de::Error::custom("the audience isn't one")),
    }
}

pub(crate) const WRONG: OAuthError =
    OAuthError::invalid_request("The id_token_hint is not an id token that this server gave to this client.");

/// Reads a hint; [`WRONG`] for what isn't an id token of this tenant's.
pub(crate) async fn read(place: &Place, text: &str) -> Result<Hint, OAuthError> {
    let unverified = Unverified::parse(text).map_err(|_| WRONG)?;
    // The client whose rules the token is held against; that it is this one's is what is then verified.
    let named = unverified.hint("aud").ok_or(WRONG)?;
    let party = place.sso().party(place.tenant, Protocol::Oidc, &named).await;
    let party = party.map_err(|error| OAuthError::ours(&error))?.ok_or(WRONG)?;
    let secret = party.shared_secret().filter(|_| party.oidc().is_some_and(|client| client.id_token_alg == "HS256"));
    let (keys, allowed) = match secret {
        Some(secret) => {
            let key = VerifyKey::hmac(secret.expose().as_bytes()).map_err(|_| WRONG)?;
            (KeySet::new(vec![key]), Algorithms::of(&[Algorithm::Hs256]))
        }
        None => {
            let keys = place.sso().signing().verifiers(place.tenant, unverified.kid()).await;
            (keys.map_err(|error| OAuthError::ours(&error))?, Algorithms::ASYMMETRIC)
        }
    };
    // An access token or a logout token is no hint, though the same keys sign it. How old it is doesn't matter.
    let audience = [named.as_str()];
    let expect = Expect::new(&place.issuer, Audience::Only(&audience), place.now()).of_type(&["jwt"]);
    let expect = Expect { needs_expiry: false, ..expect.with_leeway(AGES) };
    let verified = jose::verify_jwt::<Hint>(text, &keys, allowed, &expect).map_err(|_| WRONG)?;
    Ok(verified.into_claims())
}

/// As [`read`], for an id token that was given to this client; another's is [`WRONG`].
pub(crate) async fn read_for(place: &Place, text: &str, client_id: &str) -> Result<Hint, OAuthError> {
    let hint = read(place, text).await?;
    if hint.aud == client_id { Ok(hint) } else { Err(WRONG) }
}
