//! Leave to register an application by its own request (RFC 7591 §1.2: initial access tokens). A tenant without any has no registration.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::Millis;

record! {
    /// Leave for so many registrations.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RegistrationLeaveRow {
        /// Keyed hash of the token.
        pub digest: Vec<u8>,
        /// How many registrations are left.
        pub left_over: i64,
        /// Who made it.
        pub made_by: String,
        /// When.
        pub created: Millis,
        /// Until when it counts.
        pub expires: Millis,
    }
}

// A CASE, so that the tenant's few are looked at, and not all of every tenant that are still open.
static OPEN: Statement = Statement::new(
    "registration_leave_open",
    "SELECT 1 FROM registration_leave WHERE tenant = $1 AND CASE WHEN expires > $2 THEN left_over ELSE 0 END > 0 LIMIT 1",
    &[Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "registration_leave_insert",
    "INSERT INTO registration_leave (tenant, digest, left_over, made_by, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
    &[Type::Id, Type::Bytes, Type::Int, Type::Text, Type::Int, Type::Int],
);
// Of many at once as many get in as were left.
static SPEND: Statement = Statement::new(
    "registration_leave_spend",
    "UPDATE registration_leave SET left_over = left_over - 1 WHERE tenant = $1 AND digest = $2 AND left_over > 0 AND expires > $3 \
     RETURNING made_by",
    &[Type::Id, Type::Bytes, Type::Int],
);
static CLOSE: Statement = Statement::new(
    "registration_leave_close",
    "DELETE FROM registration_leave WHERE tenant = $1 RETURNING digest",
    &[Type::Id],
);
static PURGE: Statement = Statement::new(
    "registration_leave_purge",
    "DELETE FROM registration_leave WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM registration_leave WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&OPEN, &INSERT, &SPEND, &CLOSE, &PURGE];

impl Tenant<'_> {
    /// Whether an application may be registered by somebody with the right token.
    pub async fn registration_is_open(&self, now: Millis) -> Result<bool, StoreError> {
        Ok(!self.read(&OPEN, values![now]).await?.is_empty())
    }
}

impl Tx {
    /// Gives leave.
    pub async fn insert_registration_leave(&mut self, row: &RegistrationLeaveRow) -> Result<(), StoreError> {
        self.run(&INSERT, row.values()).await.map(drop)
    }

    /// Takes one registration of this leave; who gave it, if there was one left.
    pub async fn spend_registration_leave(&mut self, digest: &[u8], now: Millis) -> Result<Option<String>, StoreError> {
        let rows = self.run(&SPEND, values![digest.to_vec(), now]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }

    /// Takes all leave back; how many tokens there were.
    pub async fn close_registration(&mut self) -> Result<usize, StoreError> {
        Ok(self.run(&CLOSE, Vec::new()).await?.len())
    }
}

impl Store {
    /// Removes leave that was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_registration_leaves(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
