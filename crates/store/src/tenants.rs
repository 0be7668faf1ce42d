//! Tenants, and what is looked up before one is known.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use types::{Millis, TenantId};

record! {
    /// An organisation.
    #[derive(Clone, Debug)]
    pub struct TenantRow {
        /// Its id.
        pub id: TenantId,
        /// For people.
        pub name: String,
        /// The host name its clients use: `api-….example`.
        pub api_host: String,
        /// When it was made.
        pub created: Millis,
        /// Its settings, as JSON; what they mean stands in `auth`.
        pub settings: String,
        /// The public keys that the message log is sealed to, one to three with spaces between them; without one its sealed parts are not
        /// kept.
        pub log_key: Option<String>,
    }
}

static BY_ID: Statement = Statement::new(
    "tenant_by_id",
    "SELECT id, name, api_host, created, settings, log_key FROM tenant WHERE id = $1",
    &[Type::Id],
);
static BY_HOST: Statement =
    Statement::new("tenant_by_host", "SELECT id FROM tenant WHERE api_host = $1", &[Type::Text]);
static LIST: Statement = Statement::new(
    "tenant_list",
    "SELECT id, name, api_host, created, settings, log_key FROM tenant WHERE id > $1 ORDER BY id LIMIT $2",
    &[Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "tenant_insert",
    "INSERT INTO tenant (id, name, api_host, created, settings, log_key) VALUES ($1, $2, $3, $4, $5, $6)",
    &[Type::Id, Type::Text, Type::Text, Type::Int, Type::Text, Type::Text],
);
static INSERT_KEY: Statement = Statement::new(
    "tenant_key_insert",
    "INSERT INTO tenant_key (tenant, version, root, wrapped, created) VALUES ($1, $2, $3, $4, $5)",
    &[Type::Id, Type::Int, Type::Text, Type::Bytes, Type::Int],
);
static REWRAP_KEY: Statement = Statement::new(
    "tenant_key_rewrap",
    "UPDATE tenant_key SET root = $3, wrapped = $4 WHERE tenant = $1 AND version = $2 RETURNING version",
    &[Type::Id, Type::Int, Type::Text, Type::Bytes],
);
static SET_SETTINGS: Statement = Statement::new(
    "tenant_set_settings",
    "UPDATE tenant SET name = $2, settings = $3, log_key = $4 WHERE id = $1 RETURNING id",
    &[Type::Id, Type::Text, Type::Text, Type::Text],
);
static OWNER_OF_IKEY: Statement =
    Statement::new("integration_owner", "SELECT tenant FROM integration_key WHERE ikey = $1", &[Type::Text]);

pub(crate) static ALL: &[&Statement] =
    &[&BY_ID, &BY_HOST, &LIST, &INSERT, &INSERT_KEY, &REWRAP_KEY, &SET_SETTINGS, &OWNER_OF_IKEY];

/// For a question to the engine that holds others too.
pub(crate) fn by_id() -> &'static Statement {
    &BY_ID
}

impl Store {
    /// Makes a tenant with its first key. Fails with [`StoreError::Duplicate`] when the host name is taken.
    pub async fn create_tenant(&self, tenant: &TenantRow) -> Result<(), StoreError> {
        self.begin_tenant(tenant).await?.commit().await
    }

    /// As [`create_tenant`](Self::create_tenant), but the transaction is still open: for what must come into being with the
    /// tenant.
    pub async fn begin_tenant(&self, tenant: &TenantRow) -> Result<Tx, StoreError> {
        let (ring, world, id) = (self.ring().clone(), self.world().clone(), tenant.id);
        // A root key in a token is asked over a bus or a network.
        let made = tokio::task::spawn_blocking(move || ring.create_tenant_key(id, 1, &world)).await;
        let key = made.map_err(|error| StoreError::Unavailable(error.to_string()))??;
        let TenantRow { id, name, api_host, created, settings, log_key } = tenant.clone();
        let mut tx = self.tenant(id).begin().await?;
        tx.run(&INSERT, values![name, api_host, created, settings, log_key]).await?;
        tx.add_tenant_key(&key, created).await?;
        Ok(tx)
    }

    /// The tenants in the order of their making, after `after`.
    pub async fn tenants(&self, after: Option<TenantId>, limit: i64) -> Result<Vec<TenantRow>, StoreError> {
        let after = after.unwrap_or(TenantId::from_uuid(uuid::Uuid::nil()));
        let rows = self.engine().read(vec![(&LIST, values![after, limit])]).await?;
        rows.into_iter().flatten().map(TenantRow::from_row).collect()
    }

    /// The tenant that serves `api_host`.
    pub async fn tenant_of_host(&self, api_host: &str) -> Result<Option<TenantId>, StoreError> {
        self.owner(&BY_HOST, api_host).await
    }

    /// The tenant that an integration key belongs to.
    pub async fn tenant_of_ikey(&self, ikey: &str) -> Result<Option<TenantId>, StoreError> {
        self.owner(&OWNER_OF_IKEY, ikey).await
    }

    async fn owner(&self, statement: &'static Statement, text: &str) -> Result<Option<TenantId>, StoreError> {
        let rows = self.engine().read(vec![(statement, values![text])]).await?;
        rows.into_iter().flatten().next().map(|row| row.read().take()).transpose()
    }
}

impl Tenant<'_> {
    /// The tenant itself.
    pub async fn row(&self) -> Result<Option<TenantRow>, StoreError> {
        self.find(&BY_ID, Vec::new()).await
    }
}

impl Tx {
    /// Changes the tenant's name, settings and log key.
    pub async fn set_tenant(&mut self, name: &str, settings: &str, log_key: Option<&str>) -> Result<bool, StoreError> {
        self.changed(&SET_SETTINGS, values![name, settings, log_key]).await
    }

    /// Adds a key version; it encrypts from the next load of the keys on.
    pub async fn add_tenant_key(&mut self, key: &keys::WrappedKey, now: Millis) -> Result<(), StoreError> {
        let params = values![i64::from(key.version), key.root.as_str(), key.bytes.clone(), now];
        self.run(&INSERT_KEY, params).await.map(drop)
    }

    /// Stores a key version wrapped anew, after a change of the root key.
    pub async fn rewrap_tenant_key(&mut self, key: &keys::WrappedKey) -> Result<bool, StoreError> {
        self.changed(&REWRAP_KEY, values![i64::from(key.version), key.root.as_str(), key.bytes.clone()]).await
    }
}
