//! The keys that are in memory, and what is done with them.

use super::{
    ALGORITHMS, FRESH, KeyState, PUBLISHED, TURN, Turn, Usage,
    make::{self, NOTICE},
};
use crate::SsoError;
use jose::{Algorithm, Jwk, JwkSet, KeySet, SigningKey};
use serde::Serialize;
use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};
use store::{RowCache, SigningKeyRow, Store, engine::GAP, fields};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use types::{Millis, SecretBytes, TenantId};

/// For a key that isn't there the keys are read anew no sooner.
const AGAIN: Duration = Duration::from_secs(1);
/// Tenants whose keys are kept in memory.
const TENANTS: usize = 20_000;

/// Tenants' signing keys.
pub struct SigningKeys {
    store: Arc<Store>,
    kept: RowCache<(TenantId, Usage), Arc<Ring>>,
}

/// A tenant's keys as a service provider of SAML providers.
pub struct ServiceKeys {
    /// Signs requests; its certificate is what providers encrypt to.
    pub signing: xmlsig::SigningKey,
    /// Open what is encrypted for any certificate that is still published.
    pub decryption: Vec<xmlsig::DecryptionKey>,
}

/// One tenant's keys of one use.
struct Ring {
    keys: Vec<Kept>,
    read: Millis,
}

struct Kept {
    row: SigningKeyRow,
    algorithm: Algorithm,
    /// Parsed when it first signs, and then kept: parsing an RSA key costs more than signing with it.
    signer: OnceLock<SigningKey>,
    saml: OnceLock<Arc<xmlsig::SigningKey>>,
}

impl SigningKeys {
    /// Over a store; needs a Tokio runtime, on which it hears of changes until it is dropped.
    #[must_use]
    pub fn start(store: Arc<Store>) -> Arc<Self> {
        let notices = store.engine().notices();
        let keys = Arc::new(Self { store, kept: RowCache::new(TENANTS) });
        tokio::spawn(hear(Arc::downgrade(&keys), notices));
        keys
    }

    /// Signs claims with the tenant's key for `algorithm`, making one if there is none. `typ` is the token's kind, such as `at+jwt`.
    pub async fn sign_jwt(
        &self,
        tenant: TenantId,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, SsoError> {
        let key = self.signer(tenant, algorithm).await?;
        key.sign_jwt(Some(typ), claims).map_err(|_| SsoError::Damaged("signing key"))
    }

    /// The tenant's key for `algorithm`, for several tokens under one.
    pub async fn signer(&self, tenant: TenantId, algorithm: Algorithm) -> Result<SigningKey, SsoError> {
        let ring = self.with(tenant, Usage::Jwt, algorithm).await?;
        let kept = ring.active(algorithm, self.store.world().now()).ok_or(SsoError::Damaged("signing key"))?;
        if let Some(key) = kept.signer.get() {
            return Ok(key.clone());
        }
        let private = self.private(tenant, kept).await?;
        let key = SigningKey::from_pkcs8(algorithm, private.expose()).map_err(|_| SsoError::Damaged("signing key"))?;
        Ok(kept.signer.get_or_init(|| key).clone())
    }

    /// The key that signs the tenant's SAML messages, with its certificate.
    pub async fn saml_signer(&self, tenant: TenantId) -> Result<Arc<xmlsig::SigningKey>, SsoError> {
        let ring = self.with(tenant, Usage::Saml, Algorithm::Rs256).await?;
        let now = self.store.world().now();
        let kept = ring.active(Algorithm::Rs256, now).ok_or(SsoError::Damaged("signing key"))?;
        if let Some(key) = kept.saml.get() {
            return Ok(Arc::clone(key));
        }
        let private = self.private(tenant, kept).await?;
        let certificate = kept.row.certificate.clone().ok_or(SsoError::Damaged("certificate"))?;
        let key = xmlsig::SigningKey::from_pkcs8(&private, certificate);
        let key = key.map_err(|_| SsoError::Damaged("signing key"))?;
        Ok(Arc::clone(kept.saml.get_or_init(|| Arc::new(key))))
    }

    /// The keys of the tenant as a service provider of SAML providers.
    pub async fn service_keys(&self, tenant: TenantId) -> Result<ServiceKeys, SsoError> {
        let damaged = |_| SsoError::Damaged("signing key");
        let ring = self.with(tenant, Usage::Service, Algorithm::Rs256).await?;
        let now = self.store.world().now();
        let kept = ring.active(Algorithm::Rs256, now).ok_or(SsoError::Damaged("signing key"))?;
        let certificate = kept.row.certificate.clone().ok_or(SsoError::Damaged("certificate"))?;
        let private = self.private(tenant, kept).await?;
        let signing = xmlsig::SigningKey::from_pkcs8(&private, certificate).map_err(damaged)?;
        let mut decryption = Vec::new();
        for kept in ring.published(now) {
            let private = self.private(tenant, kept).await?;
            let key = xmlsig::DecryptionKey::from_pkcs8(&private);
            decryption.push(key.map_err(|_| SsoError::Damaged("signing key"))?);
        }
        Ok(ServiceKeys { signing, decryption })
    }

    /// The certificates that the tenant's SAML metadata names, in DER: the one in use first, then those that follow or preceded it.
    pub async fn saml_certificates(&self, tenant: TenantId) -> Result<Vec<Vec<u8>>, SsoError> {
        let ring = self.with(tenant, Usage::Saml, Algorithm::Rs256).await?;
        let now = self.store.world().now();
        let mut published: Vec<&Kept> = ring.published(now).collect();
        published.sort_by_key(|kept| KeyState::of(&kept.row, now) != KeyState::Active);
        Ok(published.into_iter().filter_map(|kept| kept.row.certificate.clone()).collect())
    }

    /// The public keys of all that the tenant signs tokens with, in use or not: what relying parties read. One for each algorithm is made if
    /// there is none, so that a key is published before the first token under it.
    pub async fn jwks(&self, tenant: TenantId) -> Result<JwkSet, SsoError> {
        let mut ring = self.ring(tenant, Usage::Jwt).await?;
        for algorithm in ALGORITHMS {
            ring = self.ensure(ring, tenant, Usage::Jwt, algorithm).await?;
        }
        let now = self.store.world().now();
        let keys = ring.published(now).filter_map(|kept| Jwk::parse(&kept.row.public).ok()).collect();
        Ok(JwkSet { keys })
    }

    /// The keys that verify the tenant's own tokens. `kid`: the key that a token names. Where it isn't there, another node may have made it a
    /// moment ago, so the keys are read anew: once a second, for anybody can name one.
    pub async fn verifiers(&self, tenant: TenantId, kid: Option<&str>) -> Result<KeySet, SsoError> {
        let mut ring = self.ring(tenant, Usage::Jwt).await?;
        let now = self.store.world().now();
        let unknown = kid.is_some_and(|kid| ring.keys.iter().all(|kept| kept.row.kid != kid));
        if unknown && now.since(ring.read) >= AGAIN {
            ring = self.read(tenant, Usage::Jwt).await?;
        }
        let keys = ring.published(now).filter_map(|kept| Jwk::parse(&kept.row.public).ok()).collect();
        Ok(KeySet::from_jwks(&JwkSet { keys }))
    }

    /// All keys that aren't gone, for an administrator: with their states.
    pub async fn list(&self, tenant: TenantId, usage: Usage) -> Result<Vec<(SigningKeyRow, KeyState)>, SsoError> {
        let now = self.store.world().now();
        let rows = self.store.tenant(tenant).signing_keys(usage.as_str(), now).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let state = KeyState::of(&row, now);
                (row, state)
            })
            .collect())
    }

    /// Makes the next key of a line. While one waits to be used, [`Turn::After`] adds no other. Whether one was made.
    pub async fn rotate(
        &self,
        tenant: TenantId,
        usage: Usage,
        algorithm: Algorithm,
        turn: Turn,
    ) -> Result<bool, SsoError> {
        let now = self.store.world().now();
        let rows = self.store.tenant(tenant).signing_keys(usage.as_str(), now).await?;
        let line: Vec<_> = rows.iter().filter(|row| row.alg == algorithm.name()).collect();
        let waits = line.iter().any(|row| KeyState::of(row, now) == KeyState::Pending);
        if waits && turn != Turn::Now {
            return Ok(false);
        }
        let last = line.iter().map(|row| row.generation).max();
        let made = make::add(&self.store, tenant, (usage, algorithm), last, turn).await?;
        self.kept.forget(&(tenant, usage));
        Ok(made)
    }

    /// Forgets what is kept of a tenant.
    pub fn forget(&self, tenant: TenantId) {
        self.kept.forget(&(tenant, Usage::Jwt));
        self.kept.forget(&(tenant, Usage::Saml));
        self.kept.forget(&(tenant, Usage::Service));
    }

    async fn private(&self, tenant: TenantId, kept: &Kept) -> Result<SecretBytes, SsoError> {
        let field = fields::signing_key(&kept.row.kid);
        Ok(self.store.tenant(tenant).open(field, &kept.row.private).await?)
    }

    /// The ring, with a key in use for `algorithm`.
    async fn with(&self, tenant: TenantId, usage: Usage, algorithm: Algorithm) -> Result<Arc<Ring>, SsoError> {
        let ring = self.ring(tenant, usage).await?;
        self.ensure(ring, tenant, usage, algorithm).await
    }

    async fn ensure(
        &self,
        ring: Arc<Ring>,
        tenant: TenantId,
        usage: Usage,
        algorithm: Algorithm,
    ) -> Result<Arc<Ring>, SsoError> {
        let now = self.store.world().now();
        if ring.active(algorithm, now).is_some() {
            return Ok(ring);
        }
        // Who loses the race reads what the winner wrote.
        make::add(&self.store, tenant, (usage, algorithm), None, Turn::Now).await?;
        self.read(tenant, usage).await
    }

    async fn ring(&self, tenant: TenantId, usage: Usage) -> Result<Arc<Ring>, SsoError> {
        let now = self.store.world().now();
        match self.kept.get(&(tenant, usage)) {
            Some(kept) if now.since(kept.read) < FRESH => Ok(kept),
            _ => self.read(tenant, usage).await,
        }
    }

    async fn read(&self, tenant: TenantId, usage: Usage) -> Result<Arc<Ring>, SsoError> {
        let reading = self.kept.reading();
        let mut ring = self.load(tenant, usage).await?;
        if usage == Usage::Jwt && self.turn_over(tenant, &ring).await? {
            ring = self.load(tenant, usage).await?;
        }
        // Parsed keys are taken over: a look every few minutes must not cost a parse.
        if let Some(before) = self.kept.get(&(tenant, usage)) {
            ring.inherit(&before);
        }
        let ring = Arc::new(ring);
        self.kept.keep(reading, (tenant, usage), Arc::clone(&ring));
        Ok(ring)
    }

    async fn load(&self, tenant: TenantId, usage: Usage) -> Result<Ring, SsoError> {
        let now = self.store.world().now();
        let rows = self.store.tenant(tenant).signing_keys(usage.as_str(), now).await?;
        let keys = rows.into_iter().filter_map(|row| {
            let algorithm = Algorithm::from_name(&row.alg)?;
            Some(Kept { row, algorithm, signer: OnceLock::new(), saml: OnceLock::new() })
        });
        Ok(Ring { keys: keys.collect(), read: now })
    }

    /// Makes the next key of each line whose newest is too old. Whether there was one.
    async fn turn_over(&self, tenant: TenantId, ring: &Ring) -> Result<bool, SsoError> {
        let now = self.store.world().now();
        let mut turned = false;
        for algorithm in ALGORITHMS {
            let newest =
                ring.keys.iter().filter(|kept| kept.algorithm == algorithm).max_by_key(|kept| kept.row.generation);
            if let Some(newest) = newest.filter(|newest| now >= newest.row.active_from + (TURN - PUBLISHED)) {
                let last = Some(newest.row.generation);
                make::add(&self.store, tenant, (Usage::Jwt, algorithm), last, Turn::After(PUBLISHED)).await?;
                turned = true;
            }
        }
        Ok(turned)
    }
}

impl Ring {
    fn active(&self, algorithm: Algorithm, now: Millis) -> Option<&Kept> {
        let in_state = |state| {
            let fits = move |kept: &&Kept| kept.algorithm == algorithm && KeyState::of(&kept.row, now) == state;
            self.keys.iter().filter(fits)
        };
        let active = in_state(KeyState::Active).max_by_key(|kept| kept.row.generation);
        // A line's first key was made by a node whose clock is a moment ahead of ours.
        active.or_else(|| in_state(KeyState::Pending).min_by_key(|kept| kept.row.generation))
    }

    fn published(&self, now: Millis) -> impl Iterator<Item = &Kept> {
        self.keys.iter().filter(move |kept| KeyState::of(&kept.row, now) != KeyState::Gone)
    }

    fn inherit(&mut self, before: &Self) {
        for kept in &mut self.keys {
            let Some(old) = before.keys.iter().find(|old| old.row.kid == kept.row.kid) else { continue };
            if let Some(signer) = old.signer.get() {
                kept.signer = OnceLock::from(signer.clone());
            }
            if let Some(saml) = old.saml.get() {
                kept.saml = OnceLock::from(Arc::clone(saml));
            }
        }
    }
}

/// Drops what is kept when another node has changed it, or may have.
async fn hear(keys: Weak<SigningKeys>, mut notices: Receiver<String>) {
    loop {
        let heard = notices.recv().await;
        let Some(keys) = keys.upgrade() else { return };
        match heard {
            Ok(notice) => match notice.split_once(':') {
                Some((NOTICE | "tenant", id)) => {
                    if let Ok(tenant) = id.parse() {
                        keys.forget(tenant);
                    }
                }
                _ if notice == GAP => keys.kept.forget_all(),
                _ => {}
            },
            Err(RecvError::Lagged(_)) => keys.kept.forget_all(),
            Err(RecvError::Closed) => return,
        }
    }
}
