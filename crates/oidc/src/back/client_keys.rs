//! A client's public keys: registered with it, or fetched from where it publishes them.

use crate::frame::place::Place;
use jose::{JwkSet, KeySet, MAX_JWK_SET};
use outbound::Request;
use quick_cache::sync::Cache;
use sso::OidcClient;
use std::time::Duration;
use types::Millis;

/// Addresses whose keys are kept.
const KEPT: usize = 2_000;
/// For so long.
const FRESH: Duration = Duration::from_secs(3600);
/// A key that isn't there makes them be fetched again, but not more often than this: anybody can name one.
const AGAIN: Duration = Duration::from_secs(60);

/// The keys that clients publish.
pub(crate) struct ClientKeys(Cache<String, (KeySet, Millis)>);

impl Default for ClientKeys {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

/// The keys of a client; none where it has none, or they can't be had now.
pub(super) async fn of(place: &Place, client: &OidcClient, kid: &Option<String>) -> Option<KeySet> {
    if let Some(jwks) = &client.jwks {
        return JwkSet::from_value(jwks).ok().map(|set| KeySet::from_jwks(&set));
    }
    let uri = client.jwks_uri.as_deref()?;
    let kept = &place.door.client_keys.0;
    let now = place.now();
    if let Some((keys, read)) = kept.get(uri) {
        let age = now.since(read);
        let has = kid.as_deref().is_none_or(|kid| keys.has(kid));
        if (age < FRESH && has) || age < AGAIN {
            return Some(keys);
        }
    }
    let asked = Request::get(uri).with_headers(&[("accept", "application/json")]).up_to(MAX_JWK_SET);
    let fetched = match place.door.outbound.send(asked).await {
        Ok(fetched) if fetched.status == 200 => fetched,
        Ok(_) => return None,
        Err(error) => {
            tracing::info!(tenant = %place.tenant, %error, "a client's keys could not be fetched");
            // Keys of yesterday are better than an outage of the place where they are published.
            return kept.get(uri).map(|(keys, _)| keys);
        }
    };
    let keys = KeySet::from_jwks(&JwkSet::parse(&fetched.body).ok()?);
    kept.insert(uri.to_owned(), (keys.clone(), now));
    Some(keys)
}
