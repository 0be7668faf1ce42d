//! A client's public keys: registered with it, or fetched from where it publishes them.
//!
//! Anybody can make this server want them, by a token with a key's name that nobody has heard of. So an address is asked by one fetch at a
//! time and not again for a while, whatever came of it; whoever comes meanwhile waits for that one, or uses what is kept.

use crate::frame::place::Place;
use jose::{JwkSet, KeySet, MAX_JWK_SET};
use outbound::Request;
use quick_cache::sync::Cache;
use sso::OidcClient;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex, Semaphore};
use types::{Millis, TenantId};

/// Addresses whose keys are kept.
const KEPT: usize = 2_000;
/// For so long.
const FRESH: Duration = Duration::from_secs(3600);
/// A key that isn't there makes them be fetched again, but not more often than this.
const AGAIN: Duration = Duration::from_secs(60);
/// An address that gave nothing is asked again no sooner.
const AFTER_FAILURE: Duration = Duration::from_secs(15);
/// From the look-up of the name to the last octet of the keys.
const DEADLINE: Duration = Duration::from_secs(5);
/// So many of one organisation's are fetched at once: hosts that don't answer are no other organisation's trouble.
const AT_ONCE: usize = 8;

/// The keys that clients publish.
pub(crate) struct ClientKeys {
    known: Cache<String, Arc<Published>>,
    turns: Cache<TenantId, Arc<Semaphore>>,
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self { known: Cache::new(KEPT), turns: Cache::new(KEPT) }
    }
}

/// What is known of one address.
#[derive(Default)]
struct Published {
    state: std::sync::Mutex<State>,
    /// Whoever holds it fetches.
    fetching: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct State {
    /// The last ones that came, and when.
    keys: Option<(KeySet, Millis)>,
    /// When they were last asked for.
    asked: Option<Millis>,
    /// Whether nothing came of that.
    failed: bool,
}

impl State {
    /// What is answered without asking; none where they must be asked for.
    fn settled(&self, kid: Option<&str>, now: Millis) -> Option<Option<KeySet>> {
        let keys = self.keys.as_ref().map(|(keys, _)| keys);
        let good = self.keys.as_ref().filter(|(_, read)| now.since(*read) < FRESH);
        if good.is_some_and(|(keys, _)| kid.is_none_or(|kid| keys.has(kid))) {
            return Some(keys.cloned());
        }
        let pause = if self.failed { AFTER_FAILURE } else { AGAIN };
        // Keys of yesterday are better than an outage of the place where they are published.
        self.asked.filter(|asked| now.since(*asked) < pause).map(|_| keys.cloned())
    }
}

impl Published {
    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys of a client; none where it has none, or they can't be had now.
pub(super) async fn of(place: &Place, client: &OidcClient, kid: &Option<String>) -> Option<KeySet> {
    if let Some(jwks) = &client.jwks {
        return JwkSet::from_value(jwks).ok().map(|set| KeySet::from_jwks(&set));
    }
    let (uri, kid) = (client.jwks_uri.as_deref()?, kid.as_deref());
    let all = &place.door.client_keys;
    let Ok(published) = all.known.get_or_insert_with(uri, || Ok::<_, ()>(Arc::default())) else { return None };
    if let Some(settled) = published.with(|state| state.settled(kid, place.now())) {
        return settled;
    }
    let fetching = Arc::clone(&published.fetching).lock_owned().await;
    let begun = published.with(|state| match state.settled(kid, place.now()) {
        // Whoever was before this one has fetched them.
        Some(settled) => Err(settled),
        None => {
            state.asked = Some(place.now());
            Ok(())
        }
    });
    if let Err(settled) = begun {
        return settled;
    }
    // Somebody who asks and hangs up must not leave behind that they were asked for, and nothing came.
    let (place, uri) = (place.clone(), uri.to_owned());
    let fetched = tokio::spawn(async move {
        let fetched = fetch(&place, &uri).await;
        let now = place.now();
        let keys = published.with(|state| {
            state.failed = fetched.is_none();
            if let Some(keys) = fetched {
                state.keys = Some((keys, now));
            }
            state.keys.as_ref().map(|(keys, _)| keys.clone())
        });
        drop(fetching);
        keys
    });
    fetched.await.ok().flatten()
}

async fn fetch(place: &Place, uri: &str) -> Option<KeySet> {
    let turns = &place.door.client_keys.turns;
    let Ok(turns) = turns.get_or_insert_with(&place.tenant, || Ok::<_, ()>(Arc::new(Semaphore::new(AT_ONCE)))) else {
        return None;
    };
    let _turn = turns.acquire().await.ok()?;
    let asked = Request::get(uri).with_headers(&[("accept", "application/json")]).up_to(MAX_JWK_SET).within(DEADLINE);
    let fetched = match place.door.outbound.send(asked).await {
        Ok(fetched) => fetched,
        Err(error) => {
            tracing::info!(tenant = %place.tenant, %error, "a client's keys could not be fetched");
            return None;
        }
    };
    if fetched.status != 200 {
        tracing::info!(tenant = %place.tenant, status = fetched.status, "a client's keys could not be fetched");
        return None;
    }
    JwkSet::parse(&fetched.body).ok().map(|set| KeySet::from_jwks(&set))
}
