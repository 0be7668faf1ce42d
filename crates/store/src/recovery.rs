//! Recovery codes and access passes, as keyed hashes. Spending one at a login stands in [`crate::login`].

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{Millis, RecoveryId, UserId};

record! {
    /// A recovery code or an access pass.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RecoveryRow {
        /// Its id.
        pub id: RecoveryId,
        /// Whose.
        pub user_id: UserId,
        /// `code` or `pass`.
        pub kind: String,
        /// Keyed hash of the secret.
        pub digest: Vec<u8>,
        /// Until when; none means for ever.
        pub expires: Option<Millis>,
        /// When it was used.
        pub used_at: Option<Millis>,
        /// When it was made.
        pub created: Millis,
        /// Who made it: the user, an administrator or a key.
        pub created_by: String,
    }
}

static OF_USER: Statement = Statement::new(
    "recovery_of_user",
    "SELECT id, user_id, kind, digest, expires, used_at, created, created_by FROM recovery WHERE tenant = $1 AND user_id = $2 \
     AND kind = $3 AND used_at IS NULL AND (expires IS NULL OR expires > $4) ORDER BY id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static INSERT: Statement = Statement::new(
    "recovery_insert",
    "INSERT INTO recovery (tenant, id, user_id, kind, digest, expires, used_at, created, created_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    &[Type::Id, Type::Id, Type::Id, Type::Text, Type::Bytes, Type::Int, Type::Int, Type::Int, Type::Text],
);
static DELETE: Statement = Statement::new(
    "recovery_delete",
    "DELETE FROM recovery WHERE tenant = $1 AND user_id = $2 AND kind = $3",
    &[Type::Id, Type::Id, Type::Text],
);
static PURGE: Statement = Statement::new(
    "recovery_purge",
    "DELETE FROM recovery WHERE (tenant, user_id, id) IN \
     (SELECT tenant, user_id, id FROM recovery WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&OF_USER, &INSERT, &DELETE, &PURGE];

impl Tenant<'_> {
    /// A user's secrets of one kind that can still be used.
    pub async fn recovery_secrets(
        &self,
        user: UserId,
        kind: &str,
        now: Millis,
    ) -> Result<Vec<RecoveryRow>, StoreError> {
        self.list(&OF_USER, values![user, kind, now]).await
    }
}

impl Tx {
    /// Adds a recovery code or an access pass.
    pub async fn insert_recovery(&mut self, secret: &RecoveryRow) -> Result<(), StoreError> {
        self.run(&INSERT, secret.values()).await.map(drop)
    }

    /// Removes all of a user's secrets of one kind, used ones too.
    pub async fn delete_recovery(&mut self, user: UserId, kind: &str) -> Result<(), StoreError> {
        self.run(&DELETE, values![user, kind]).await.map(drop)
    }
}

impl Store {
    /// Removes secrets whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_recovery(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
