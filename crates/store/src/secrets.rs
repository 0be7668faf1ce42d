//! Secrets of a tenant that are made once and kept: the key that signs its push messages, for one.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::Millis;

record! {
    /// A secret.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SecretRow {
        /// What it is for.
        pub name: String,
        /// The secret, sealed.
        pub sealed: Vec<u8>,
        /// When it was made.
        pub created: Millis,
    }
}

static BY_NAME: Statement = Statement::new(
    "secret_by_name",
    "SELECT sealed FROM tenant_secret WHERE tenant = $1 AND name = $2",
    &[Type::Id, Type::Text],
);
static PAGE: Statement = Statement::new(
    "secret_page",
    "SELECT name, sealed, created FROM tenant_secret WHERE tenant = $1 ORDER BY name LIMIT $2 OFFSET $3",
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("secret_count", "SELECT COUNT(*) FROM tenant_secret WHERE tenant = $1", &[Type::Id]);
static INSERT: Statement = Statement::new(
    "secret_insert",
    "INSERT INTO tenant_secret (tenant, name, sealed, created) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, name) DO NOTHING RETURNING name",
    &[Type::Id, Type::Text, Type::Bytes, Type::Int],
);
static RESEAL: Statement = Statement::new(
    "secret_reseal",
    "UPDATE tenant_secret SET sealed = $4 WHERE tenant = $1 AND name = $2 AND sealed = $3 RETURNING name",
    &[Type::Id, Type::Text, Type::Bytes, Type::Bytes],
);

pub(crate) static ALL: &[&Statement] = &[&BY_NAME, &PAGE, &COUNT, &INSERT, &RESEAL];

impl Tenant<'_> {
    /// The secret of this name, sealed.
    pub async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.read(&BY_NAME, values![name]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }

    /// A page of the secrets in the order of their names.
    pub async fn secrets(&self, slice: Slice) -> Result<Page<SecretRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }
}

impl Tx {
    /// Keeps a secret; false when there is one of this name, which stays: read it then.
    pub async fn insert_secret(&mut self, name: &str, sealed: &[u8], now: Millis) -> Result<bool, StoreError> {
        self.changed(&INSERT, values![name, sealed.to_vec(), now]).await
    }

    /// Puts the same secret, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_secret(&mut self, name: &str, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![name, old.to_vec(), new.to_vec()]).await
    }
}
