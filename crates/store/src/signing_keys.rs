//! The keys with which a tenant's tokens and assertions are signed.
//!
//! A key's number in its line (one for each use and algorithm) is part of the primary key: of nodes that make the next one at the same moment
//! one wins, and the others read what it wrote.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::Millis;

record! {
    /// A key that signs. How it stands is told by its times: published from its making, used from `active_from` until `retire_at`, gone at
    /// `expires`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SigningKeyRow {
        /// What it signs: `jwt` or `saml`.
        pub usage: String,
        /// With which algorithm.
        pub alg: String,
        /// Its number in its line, from 1.
        pub generation: i64,
        /// Its name: the thumbprint of its public part.
        pub kid: String,
        /// The private part, sealed.
        pub private: Vec<u8>,
        /// The public part, a JWK.
        pub public: String,
        /// The certificate, DER, where there is one.
        pub certificate: Option<Vec<u8>>,
        /// When it was made.
        pub created: Millis,
        /// From when it signs.
        pub active_from: Millis,
        /// Until when it signs; none while nothing follows it.
        pub retire_at: Option<Millis>,
        /// Until when it is published.
        pub expires: Option<Millis>,
    }
}

macro_rules! columns {
    () => {
        "usage, alg, generation, kid, private, public, certificate, created, active_from, retire_at, expires"
    };
}

static LIST: Statement = Statement::new(
    "signing_key_list",
    concat!(
        "SELECT ",
        columns!(),
        " FROM signing_key WHERE tenant = $1 AND usage = $2 AND (expires IS NULL OR expires > $3) ORDER BY alg, generation"
    ),
    &[Type::Id, Type::Text, Type::Int],
);
static INSERT: Statement = Statement::new(
    "signing_key_insert",
    concat!(
        "INSERT INTO signing_key (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING generation"
    ),
    &[
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Text,
        Type::Bytes,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static RETIRE: Statement = Statement::new(
    "signing_key_retire",
    "UPDATE signing_key SET retire_at = $5, expires = $6 WHERE tenant = $1 AND usage = $2 AND alg = $3 AND generation < $4 \
     AND (retire_at IS NULL OR retire_at > $5) RETURNING generation",
    &[Type::Id, Type::Text, Type::Text, Type::Int, Type::Int, Type::Int],
);
static PURGE: Statement = Statement::new(
    "signing_key_purge",
    "DELETE FROM signing_key WHERE (tenant, usage, alg, generation) IN \
     (SELECT tenant, usage, alg, generation FROM signing_key WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&LIST, &INSERT, &RETIRE, &PURGE];

impl Tenant<'_> {
    /// The keys of one use that aren't gone at `now`, by algorithm, oldest first.
    pub async fn signing_keys(&self, usage: &str, now: Millis) -> Result<Vec<SigningKeyRow>, StoreError> {
        self.list(&LIST, values![usage, now]).await
    }
}

impl Tx {
    /// Adds a key. Whether its number was free: if not, another node was faster.
    pub async fn insert_signing_key(&mut self, key: &SigningKeyRow) -> Result<bool, StoreError> {
        self.changed(&INSERT, key.values()).await
    }

    /// Lets the keys before `generation` sign until `at` and be published until `expires`. Whether there were any that would have signed
    /// longer.
    pub async fn retire_signing_keys(
        &mut self,
        (usage, alg): (&str, &str),
        generation: i64,
        at: Millis,
        expires: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&RETIRE, values![usage, alg, generation, at, expires]).await
    }
}

impl Store {
    /// Removes keys that were gone before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_signing_keys(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
