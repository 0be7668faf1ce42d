//! Relying parties: what an application that signs people in here is, beside its integration.
//!
//! Name, policy, access and grants stand in the [integration](crate::IntegrationRow) with the same key; here stand the protocol, the name
//! that the application is known by there, and its settings as `sso` reads them.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use types::Millis;

record! {
    /// A relying party.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RelyingPartyRow {
        /// The key of its integration.
        pub ikey: String,
        /// `oidc`, `saml` or `forward`.
        pub protocol: String,
        /// What it calls itself: a client id, an entity id, a host. Once in a tenant and protocol.
        pub key: String,
        /// As `sso` writes them: JSON.
        pub settings: String,
        /// Secrets that must be read again, sealed.
        pub secret: Option<Vec<u8>>,
        /// When it was made.
        pub created: Millis,
        /// When it was last changed.
        pub updated: Millis,
    }
}

/// A change of a relying party; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct RelyingPartyChange {
    /// See [`RelyingPartyRow::key`].
    pub key: Option<String>,
    /// See [`RelyingPartyRow::settings`].
    pub settings: Option<String>,
    /// See [`RelyingPartyRow::secret`].
    pub secret: Option<Vec<u8>>,
}

macro_rules! columns {
    () => {
        "ikey, protocol, key, settings, secret, created, updated"
    };
}

static BY_IKEY: Statement = Statement::new(
    "relying_party_by_ikey",
    concat!("SELECT ", columns!(), " FROM relying_party WHERE tenant = $1 AND ikey = $2"),
    &[Type::Id, Type::Text],
);
static BY_KEY: Statement = Statement::new(
    "relying_party_by_key",
    concat!("SELECT ", columns!(), " FROM relying_party WHERE tenant = $1 AND protocol = $2 AND key = $3"),
    &[Type::Id, Type::Text, Type::Text],
);
static LIST: Statement = Statement::new(
    "relying_party_list",
    concat!("SELECT ", columns!(), " FROM relying_party WHERE tenant = $1 AND ikey > $2 ORDER BY ikey LIMIT $3"),
    &[Type::Id, Type::Text, Type::Int],
);
static INSERT: Statement = Statement::new(
    "relying_party_insert",
    concat!("INSERT INTO relying_party (tenant, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
    &[Type::Id, Type::Text, Type::Text, Type::Text, Type::Text, Type::Bytes, Type::Int, Type::Int],
);
static CHANGE: Statement = Statement::new(
    "relying_party_change",
    "UPDATE relying_party SET key = COALESCE($3, key), settings = COALESCE($4, settings), secret = COALESCE($5, secret), \
     updated = $6 WHERE tenant = $1 AND ikey = $2 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Text, Type::Text, Type::Bytes, Type::Int],
);
static RESET: Statement = Statement::new(
    "relying_party_reset",
    "UPDATE relying_party SET settings = $4, updated = $5 WHERE tenant = $1 AND ikey = $2 AND settings = $3 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Text, Type::Text, Type::Int],
);
static RESEAL: Statement = Statement::new(
    "relying_party_reseal",
    "UPDATE relying_party SET secret = $4 WHERE tenant = $1 AND ikey = $2 AND secret = $3 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Bytes, Type::Bytes],
);
pub(crate) static ALL: &[&Statement] = &[&BY_IKEY, &BY_KEY, &LIST, &INSERT, &CHANGE, &RESET, &RESEAL];

impl Tenant<'_> {
    /// One relying party, by its integration's key.
    pub async fn relying_party(&self, ikey: &str) -> Result<Option<RelyingPartyRow>, StoreError> {
        self.find(&BY_IKEY, values![ikey]).await
    }

    /// One relying party, by what it calls itself in `protocol`.
    pub async fn relying_party_by_key(&self, protocol: &str, key: &str) -> Result<Option<RelyingPartyRow>, StoreError> {
        self.find(&BY_KEY, values![protocol, key]).await
    }

    /// Relying parties in the order of their integrations' keys, those after `after`.
    pub async fn relying_parties(&self, after: &str, limit: i64) -> Result<Vec<RelyingPartyRow>, StoreError> {
        self.list(&LIST, values![after, limit]).await
    }
}

impl Tx {
    /// Makes a relying party; its integration is made in the same transaction. [`StoreError::Duplicate`] where another of this tenant
    /// calls itself so.
    pub async fn insert_relying_party(&mut self, party: &RelyingPartyRow) -> Result<(), StoreError> {
        self.run(&INSERT, party.values()).await.map(drop)
    }

    /// Changes a relying party. Whether there is such a one.
    pub async fn change_relying_party(
        &mut self,
        ikey: &str,
        change: &RelyingPartyChange,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let RelyingPartyChange { key, settings, secret } = change.clone();
        self.changed(&CHANGE, values![ikey, key, settings, secret, now]).await
    }

    /// Puts settings that were made of `old` in their place. Whether `old` was still there: else somebody has changed them meanwhile, and what
    /// they decided stays.
    pub async fn reset_relying_party(
        &mut self,
        ikey: &str,
        old: &str,
        new: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&RESET, values![ikey, old, new, now]).await
    }

    /// Puts the same secrets, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_relying_party(&mut self, ikey: &str, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![ikey, old.to_vec(), new.to_vec()]).await
    }
}
