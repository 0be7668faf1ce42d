//! How keys are made, turned over and told about.

use super::{KEPT, LONGEST_TOKEN, Turn, Usage, certificate};
use crate::SsoError;
use jose::{Algorithm, SigningKey};
use store::{SigningKeyRow, Store, StoreError, fields};
use types::{Millis, TenantId};

/// The notice that a tenant's keys have changed.
pub(super) const NOTICE: &str = "signing_keys";

/// How a key stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and not used yet.
    Pending,
    /// In use.
    Active,
    /// Published, and not used any more.
    Retired,
    /// Neither.
    Gone,
}

impl KeyState {
    /// How `key` stands at `now`.
    #[must_use]
    pub fn of(key: &SigningKeyRow, now: Millis) -> Self {
        if key.expires.is_some_and(|expires| expires <= now) {
            Self::Gone
        } else if key.retire_at.is_some_and(|retire_at| retire_at <= now) {
            Self::Retired
        } else if key.active_from > now {
            Self::Pending
        } else {
            Self::Active
        }
    }

    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Gone => "gone",
        }
    }
}

/// Makes a key away from the runtime: an RSA key takes as long as hundreds of requests.
async fn generate(
    algorithm: Algorithm,
    named: Option<(String, Millis)>,
) -> Result<(SigningKey, types::SecretBytes, Option<Vec<u8>>), SsoError> {
    let made = tokio::task::spawn_blocking(move || {
        let (key, private) = SigningKey::generate(algorithm).map_err(|_| SsoError::Damaged("signing key"))?;
        let certificate = match named {
            Some((host, now)) => Some(certificate::make(&private, &host, now)?),
            None => None,
        };
        Ok((key, private, certificate))
    });
    made.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// Adds the key that follows `last` in its line (`None`: the first), if no other node does so first. Whether this one did.
pub(super) async fn add(
    store: &Store,
    tenant: TenantId,
    (usage, algorithm): (Usage, Algorithm),
    last: Option<i64>,
    turn: Turn,
) -> Result<bool, SsoError> {
    let scope = store.tenant(tenant);
    let now = store.world().now();
    let host = match usage {
        Usage::Saml | Usage::Service => scope.row().await?.map(|row| (row.api_host, now)),
        Usage::Jwt => None,
    };
    let (key, private, certificate) = generate(algorithm, host).await?;
    let kid = key.kid().unwrap_or_default().to_owned();
    let keys = scope.keys().await?;
    let sealed = keys.seal(fields::signing_key(&kid), private.expose(), store.world().random.as_ref());
    let generation = last.unwrap_or(0) + 1;
    let active_from = match (last, turn) {
        (None, _) | (_, Turn::Now) => now,
        (Some(_), Turn::After(after)) => now + after,
    };
    let row = SigningKeyRow {
        usage: usage.as_str().to_owned(),
        alg: algorithm.name().to_owned(),
        generation,
        private: sealed.map_err(StoreError::from)?,
        public: key.jwk().map(|jwk| jwk.to_value().to_string()).unwrap_or_default(),
        certificate,
        kid,
        created: now,
        active_from,
        retire_at: None,
        expires: None,
    };
    let mut tx = scope.begin().await?;
    if !tx.insert_signing_key(&row).await? {
        drop(tx);
        // A reader sees what is committed; a commit of our own comes after the winner's.
        scope.begin().await?.commit().await?;
        return Ok(false);
    }
    if last.is_some() {
        let gone = if turn == Turn::Now { now } else { active_from + KEPT.max(LONGEST_TOKEN) };
        tx.retire_signing_keys((usage.as_str(), algorithm.name()), generation, active_from, gone).await?;
    }
    tx.notify(format!("{NOTICE}:{tenant}")).await?;
    tx.commit().await?;
    tracing::info!(%tenant, usage = usage.as_str(), alg = algorithm.name(), generation, "a signing key was made");
    Ok(true)
}
