//! Passkeys: the public side of what people sign in with. Moving a passkey's counter at a sign-in stands in [`crate::login`].
//!
//! `users.passkeys` says how many of a user's passkeys can be used, so that a login knows it without another question. It is moved by
//! one in the transaction that moves the passkey: an increment holds whatever others do meanwhile, a new count would not.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, PasskeyId, UserId};

record! {
    /// A passkey: one WebAuthn credential of a user.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PasskeyRow {
        /// Its id.
        pub id: PasskeyId,
        /// Whose.
        pub user_id: UserId,
        /// The credential's id, as the authenticator made it; unique in the tenant.
        pub credential_id: Vec<u8>,
        /// The public key with what was verified at registration, as `webauthn` writes it.
        pub credential: Vec<u8>,
        /// What its owner calls it.
        pub name: String,
        /// The authenticator's model, a UUID; all zeros when it said nothing.
        pub aaguid: String,
        /// How it can be reached, by commas: `internal`, `hybrid`, `usb`, …
        pub transports: String,
        /// The signature counter as last seen; 0 where the authenticator has none.
        pub counter: i64,
        /// Whether it may be copied to other devices (flag BE); never changes.
        pub backup_eligible: bool,
        /// Whether it was copied when last seen (flag BS).
        pub backed_up: bool,
        /// Whether the authenticator verified its user at registration.
        pub user_verified: bool,
        /// `none`, `self` or `verified`.
        pub attestation: String,
        /// Since when it can't be used.
        pub suspended_at: Option<Millis>,
        /// Why; empty while it can be used.
        pub suspended_reason: String,
        /// When it was last used.
        pub last_used: Option<Millis>,
        /// When it was registered.
        pub created: Millis,
    }
}

record! {
    /// How many of a tenant's passkeys are of one model.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PasskeyModel {
        /// The model.
        pub aaguid: String,
        /// All of them.
        pub total: i64,
        /// Those of them that can't be used.
        pub suspended: i64,
    }
}

macro_rules! columns {
    () => {
        "id, user_id, credential_id, credential, name, aaguid, transports, counter, backup_eligible, backed_up, user_verified, \
         attestation, suspended_at, suspended_reason, last_used, created"
    };
}

static BY_ID: Statement = Statement::new(
    "passkey_by_id",
    concat!("SELECT ", columns!(), " FROM passkey WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static BY_CREDENTIAL: Statement = Statement::new(
    "passkey_by_credential",
    concat!("SELECT ", columns!(), " FROM passkey WHERE tenant = $1 AND credential_id = $2"),
    &[Type::Id, Type::Bytes],
);
static OF_USER: Statement = Statement::new(
    "passkey_of_user",
    concat!("SELECT ", columns!(), " FROM passkey WHERE tenant = $1 AND user_id = $2 ORDER BY id"),
    &[Type::Id, Type::Id],
);
static OF_USERS: Statement = Statement::new(
    "passkey_of_users",
    "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, id, user_id, credential_id, credential, name, aaguid, \
     transports, counter, backup_eligible, backed_up, user_verified, attestation, suspended_at, suspended_reason, last_used, created \
     FROM input JOIN passkey ON passkey.tenant = input.tenant AND passkey.user_id = input.owner ORDER BY owner, id",
    &[Type::Id, Type::Id],
);
static PAGE: Statement = Statement::new(
    "passkey_page",
    concat!("SELECT ", columns!(), " FROM passkey WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static AFTER: Statement = Statement::new(
    "passkey_after",
    concat!("SELECT ", columns!(), " FROM passkey WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3"),
    &[Type::Id, Type::Id, Type::Int],
);
static MODELS: Statement = Statement::new(
    "passkey_models",
    "SELECT aaguid, COUNT(*), COUNT(suspended_at) FROM passkey WHERE tenant = $1 GROUP BY aaguid ORDER BY aaguid",
    &[Type::Id],
);
static COUNT: Statement =
    Statement::new("passkey_count", "SELECT COUNT(*) FROM passkey WHERE tenant = $1", &[Type::Id]);
static INSERT: Statement = Statement::new(
    "passkey_insert",
    concat!(
        "INSERT INTO passkey (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Bytes,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Int,
        Type::Text,
        Type::Int,
        Type::Int,
    ],
);
static RENAME: Statement = Statement::new(
    "passkey_rename",
    "UPDATE passkey SET name = $4 WHERE tenant = $1 AND id = $2 AND user_id = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Text],
);
static DELETE: Statement = Statement::new(
    "passkey_delete",
    "DELETE FROM passkey WHERE tenant = $1 AND id = $2 AND user_id = $3 RETURNING suspended_at",
    &[Type::Id, Type::Id, Type::Id],
);
static SUSPEND: Statement = Statement::new(
    "passkey_suspend",
    "UPDATE passkey SET suspended_at = $4, suspended_reason = $3 WHERE tenant = $1 AND id = $2 AND suspended_at IS NULL \
     RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static RESTORE: Statement = Statement::new(
    "passkey_restore",
    "UPDATE passkey SET suspended_at = NULL, suspended_reason = '' WHERE tenant = $1 AND id = $2 AND suspended_at IS NOT NULL \
     RETURNING user_id",
    &[Type::Id, Type::Id],
);
static RESTORE_FROM: Statement = Statement::new(
    "passkey_restore_from",
    "UPDATE passkey SET suspended_at = NULL, suspended_reason = '' WHERE tenant = $1 AND id = $2 AND suspended_at IS NOT NULL \
     AND suspended_reason = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text],
);
static COUNT_FOR_USER: Statement = Statement::new(
    "passkey_count_for_user",
    "UPDATE users SET passkeys = passkeys + $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &BY_CREDENTIAL,
    &OF_USER,
    &OF_USERS,
    &PAGE,
    &AFTER,
    &MODELS,
    &COUNT,
    &INSERT,
    &RENAME,
    &DELETE,
    &SUSPEND,
    &RESTORE,
    &RESTORE_FROM,
    &COUNT_FOR_USER,
];

impl Tenant<'_> {
    /// A passkey by id.
    pub async fn passkey(&self, id: PasskeyId) -> Result<Option<PasskeyRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The passkey with this credential id.
    pub async fn passkey_by_credential(&self, credential_id: &[u8]) -> Result<Option<PasskeyRow>, StoreError> {
        self.find(&BY_CREDENTIAL, values![credential_id.to_vec()]).await
    }

    /// A user's passkeys in the order of their making, suspended ones among them.
    pub async fn passkeys_of_user(&self, user: UserId) -> Result<Vec<PasskeyRow>, StoreError> {
        self.list(&OF_USER, values![user]).await
    }

    /// The passkeys of each of these users, suspended ones among them.
    pub async fn passkeys_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, PasskeyRow)>, StoreError> {
        self.of_each(&OF_USERS, users).await
    }

    /// A page of all passkeys in the order of their making.
    pub async fn passkeys(&self, slice: Slice) -> Result<Page<PasskeyRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// At most `limit` of all passkeys in the order of their making, after `after`: for a walk that misses none while others come and
    /// go.
    pub async fn passkeys_after(&self, after: Option<PasskeyId>, limit: i64) -> Result<Vec<PasskeyRow>, StoreError> {
        let after = after.unwrap_or(PasskeyId::from_uuid(uuid::Uuid::nil()));
        self.list(&AFTER, values![after, limit.max(0)]).await
    }

    /// How many passkeys there are of each model. Reads all of them: for an administrator, not for a sign-in.
    pub async fn passkey_models(&self) -> Result<Vec<PasskeyModel>, StoreError> {
        self.list(&MODELS, Vec::new()).await
    }
}

impl Tx {
    /// Adds a passkey to its user; whether there is such a user. [`StoreError::Duplicate`] when the tenant knows the credential already.
    pub async fn insert_passkey(&mut self, passkey: &PasskeyRow) -> Result<bool, StoreError> {
        let usable = i64::from(passkey.suspended_at.is_none());
        if !self.changed(&COUNT_FOR_USER, values![passkey.user_id, usable]).await? {
            return Ok(false);
        }
        self.run(&INSERT, passkey.values()).await?;
        Ok(true)
    }

    /// Gives a user's passkey another name. Whether the user has it.
    pub async fn rename_passkey(&mut self, id: PasskeyId, user: UserId, name: &str) -> Result<bool, StoreError> {
        self.changed(&RENAME, values![id, user, name]).await
    }

    /// Removes a user's passkey. Whether the user had it.
    pub async fn delete_passkey(&mut self, user: UserId, id: PasskeyId) -> Result<bool, StoreError> {
        let Some(row) = self.run(&DELETE, values![id, user]).await?.into_iter().next() else { return Ok(false) };
        if row.read().take::<Option<Millis>>()?.is_none() {
            self.run(&COUNT_FOR_USER, values![user, -1_i64]).await?;
        }
        Ok(true)
    }

    /// Makes a passkey useless until it is restored: it may have been copied. Whether that changed anything.
    pub async fn suspend_passkey(&mut self, id: PasskeyId, reason: &str, now: Millis) -> Result<bool, StoreError> {
        self.counted(&SUSPEND, values![id, reason, now], -1).await
    }

    /// Makes a suspended passkey usable again. Whether that changed anything.
    pub async fn restore_passkey(&mut self, id: PasskeyId) -> Result<bool, StoreError> {
        self.counted(&RESTORE, values![id], 1).await
    }

    /// As [`restore_passkey`](Self::restore_passkey), when it was suspended for this reason and no other.
    pub async fn restore_passkey_from(&mut self, id: PasskeyId, reason: &str) -> Result<bool, StoreError> {
        self.counted(&RESTORE_FROM, values![id, reason], 1).await
    }

    /// Runs a statement that returns the user whose usable passkeys it made more or fewer.
    async fn counted(
        &mut self,
        statement: &'static Statement,
        params: Vec<crate::engine::Value>,
        change: i64,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.run(statement, params).await?.into_iter().next() else { return Ok(false) };
        let user: UserId = row.read().take()?;
        self.run(&COUNT_FOR_USER, values![user, change]).await?;
        Ok(true)
    }
}
