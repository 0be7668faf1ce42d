//! Integrations: the applications that ask, each with its key and secret.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, PolicyId};

record! {
    /// An application that asks.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct IntegrationRow {
        /// Its key: 20 characters, `DI…`, once among all tenants.
        pub ikey: String,
        /// For people.
        pub name: String,
        /// Its type in Duo's words: `authapi`, `adminapi`, `unix`, …
        pub r#type: String,
        /// The secret of its signatures, sealed.
        pub secret: Vec<u8>,
        /// Whether it may sign by version 1, which carries no date.
        pub signature_v1: bool,
        /// How its user names are normalised.
        pub normalization: String,
        /// Its own policy.
        pub policy: Option<PolicyId>,
        /// What only the Admin API reads, as JSON.
        pub settings: String,
        /// When it was made.
        pub created: Millis,
    }
}

/// A change of an integration; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct IntegrationChange {
    /// See [`IntegrationRow::name`].
    pub name: Option<String>,
    /// See [`IntegrationRow::signature_v1`].
    pub signature_v1: Option<bool>,
    /// See [`IntegrationRow::normalization`].
    pub normalization: Option<String>,
    /// See [`IntegrationRow::settings`].
    pub settings: Option<String>,
}

macro_rules! columns {
    () => {
        "ikey, name, type, secret, signature_v1, normalization, policy, settings, created"
    };
}

static BY_IKEY: Statement = Statement::new(
    "integration_by_ikey",
    concat!("SELECT ", columns!(), " FROM integration WHERE tenant = $1 AND ikey = $2"),
    &[Type::Id, Type::Text],
);
static PAGE: Statement = Statement::new(
    "integration_page",
    concat!("SELECT ", columns!(), " FROM integration WHERE tenant = $1 ORDER BY ikey LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("integration_count", "SELECT COUNT(*) FROM integration WHERE tenant = $1", &[Type::Id]);
static OF_POLICY: Statement = Statement::new(
    "integration_of_policy",
    concat!("SELECT ", columns!(), " FROM integration WHERE tenant = $1 AND policy = $2 ORDER BY ikey"),
    &[Type::Id, Type::Id],
);
static OF_TYPE: Statement = Statement::new(
    "integration_of_type",
    concat!("SELECT ", columns!(), " FROM integration WHERE tenant = $1 AND type = $2 ORDER BY ikey"),
    &[Type::Id, Type::Text],
);
static INSERT: Statement = Statement::new(
    "integration_insert",
    concat!("INSERT INTO integration (tenant, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
    &[
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Text,
        Type::Id,
        Type::Text,
        Type::Int,
    ],
);
static INSERT_KEY: Statement = Statement::new(
    "integration_insert_key",
    "INSERT INTO integration_key (tenant, ikey) VALUES ($1, $2)",
    &[Type::Id, Type::Text],
);
static CHANGE: Statement = Statement::new(
    "integration_change",
    "UPDATE integration SET name = COALESCE($3, name), signature_v1 = COALESCE($4, signature_v1), \
     normalization = COALESCE($5, normalization), settings = COALESCE($6, settings) \
     WHERE tenant = $1 AND ikey = $2 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Text, Type::Int, Type::Text, Type::Text],
);
// A policy must be this tenant's.
static SET_POLICY: Statement = Statement::new(
    "integration_set_policy",
    "UPDATE integration SET policy = $3 WHERE tenant = $1 AND ikey = $2 AND ($3 IS NULL OR EXISTS \
     (SELECT 1 FROM policy WHERE policy.tenant = $1 AND policy.id = $3)) RETURNING ikey",
    &[Type::Id, Type::Text, Type::Id],
);
static SET_SECRET: Statement = Statement::new(
    "integration_set_secret",
    "UPDATE integration SET secret = $4 WHERE tenant = $1 AND ikey = $2 AND secret = $3 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Bytes, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "integration_delete",
    "DELETE FROM integration WHERE tenant = $1 AND ikey = $2 RETURNING ikey",
    &[Type::Id, Type::Text],
);
static DELETE_KEY: Statement = Statement::new(
    "integration_delete_key",
    "DELETE FROM integration_key WHERE tenant = $1 AND ikey = $2",
    &[Type::Id, Type::Text],
);
static DELETE_POLICIES: Statement = Statement::new(
    "integration_delete_policies",
    "DELETE FROM group_policy WHERE tenant = $1 AND ikey = $2",
    &[Type::Id, Type::Text],
);
static DELETE_PARTY: Statement = Statement::new(
    "integration_delete_party",
    "DELETE FROM relying_party WHERE tenant = $1 AND ikey = $2",
    &[Type::Id, Type::Text],
);
static DELETE_PARTICIPANTS: Statement = Statement::new(
    "integration_delete_participants",
    "DELETE FROM sso_participant WHERE tenant = $1 AND ikey = $2",
    &[Type::Id, Type::Text],
);
static DELETE_CONSENTS: Statement = Statement::new(
    "integration_delete_consents",
    "DELETE FROM consent WHERE tenant = $1 AND ikey = $2",
    &[Type::Id, Type::Text],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_IKEY,
    &PAGE,
    &COUNT,
    &OF_POLICY,
    &OF_TYPE,
    &INSERT,
    &INSERT_KEY,
    &CHANGE,
    &SET_POLICY,
    &SET_SECRET,
    &DELETE,
    &DELETE_KEY,
    &DELETE_POLICIES,
    &DELETE_PARTY,
    &DELETE_PARTICIPANTS,
    &DELETE_CONSENTS,
];

impl Tenant<'_> {
    /// An integration by its key. Which tenant a key belongs to: [`crate::Store::tenant_of_ikey`].
    pub async fn integration(&self, ikey: &str) -> Result<Option<IntegrationRow>, StoreError> {
        self.find(&BY_IKEY, values![ikey]).await
    }

    /// A page of the integrations in the order of their keys.
    pub async fn integrations(&self, slice: Slice) -> Result<Page<IntegrationRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// The integrations of this type.
    pub async fn integrations_of_type(&self, r#type: &str) -> Result<Vec<IntegrationRow>, StoreError> {
        self.list(&OF_TYPE, values![r#type]).await
    }

    /// The integrations that have this policy for their own.
    pub async fn integrations_of_policy(&self, policy: PolicyId) -> Result<Vec<IntegrationRow>, StoreError> {
        self.list(&OF_POLICY, values![policy]).await
    }
}

impl Tx {
    /// Makes an integration. [`StoreError::Duplicate`] when any tenant has one with this key.
    pub async fn insert_integration(&mut self, integration: &IntegrationRow) -> Result<(), StoreError> {
        self.run(&INSERT_KEY, values![integration.ikey.as_str()]).await?;
        self.run(&INSERT, integration.values()).await.map(drop)
    }

    /// Changes an integration. Whether there is such a one.
    pub async fn change_integration(&mut self, ikey: &str, change: &IntegrationChange) -> Result<bool, StoreError> {
        let IntegrationChange { name, signature_v1, normalization, settings } = change.clone();
        self.changed(&CHANGE, values![ikey, name, signature_v1, normalization, settings]).await
    }

    /// Gives an integration a policy of its own, or none. Whether both exist.
    pub async fn set_integration_policy(&mut self, ikey: &str, policy: Option<PolicyId>) -> Result<bool, StoreError> {
        self.changed(&SET_POLICY, values![ikey, policy]).await
    }

    /// Puts another secret, or the same sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn set_integration_secret(&mut self, ikey: &str, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&SET_SECRET, values![ikey, old.to_vec(), new.to_vec()]).await
    }

    /// Deletes an integration, its key, what policies say of it, and what it is as a relying party. Whether there was such a one.
    pub async fn delete_integration(&mut self, ikey: &str) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![ikey]).await? {
            return Ok(false);
        }
        self.run(&DELETE_KEY, values![ikey]).await?;
        for hanging in [&DELETE_POLICIES, &DELETE_PARTY, &DELETE_PARTICIPANTS, &DELETE_CONSENTS] {
            self.run(hanging, values![ikey]).await?;
        }
        Ok(true)
    }
}
