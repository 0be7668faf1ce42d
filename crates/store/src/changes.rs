//! What was added to people's authenticators, and can be undone for a while by who holds the link in the notice.

use crate::{
    engine::{Statement, StoreError, Type},
    fields,
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use keys::{TenantKeys, Token};
use std::time::Duration;
use types::{ChangeId, Millis, SecretString, UserId, World};

/// How long a change can be undone.
pub const UNDO_LIFE: Duration = Duration::from_secs(72 * 3600);
/// How the code in an undo link begins.
pub const UNDO_PREFIX: &str = "csun";

record! {
    /// A change.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ChangeRow {
        /// Its id.
        pub id: ChangeId,
        /// To whose authenticators.
        pub user_id: UserId,
        /// What was added: `passkey`, `authenticator`, …
        pub kind: String,
        /// The id of what was added, as text.
        pub object: String,
        /// What it is called, for people.
        pub label: String,
        /// Keyed hash of the code that undoes it; unique in the tenant.
        pub undo: Vec<u8>,
        /// When it was made.
        pub made_at: Millis,
        /// Until when it can be undone.
        pub undo_until: Millis,
        /// When it was undone.
        pub undone_at: Option<Millis>,
        /// Who made it: the user, an administrator or a key.
        pub made_by: String,
    }
}

/// A change to be noted.
#[derive(Clone, Copy, Debug)]
pub struct NewChange<'a> {
    /// To whose authenticators.
    pub user: UserId,
    /// See [`ChangeRow::kind`].
    pub kind: &'a str,
    /// See [`ChangeRow::object`].
    pub object: &'a str,
    /// See [`ChangeRow::label`].
    pub label: &'a str,
    /// See [`ChangeRow::made_by`].
    pub made_by: &'a str,
}

/// Something that was added to the account of somebody who could sign in before. The person must hear of it: whoever made the change
/// hands this to the engine, which announces it.
#[derive(Clone)]
#[must_use = "the person must hear of it"]
pub struct Addition {
    /// To whose account.
    pub user: UserId,
    /// What: `token`, `phone`, `bypass_codes`.
    pub kind: &'static str,
    /// What it is called; empty for nothing.
    pub name: String,
    /// Who added it.
    pub by: String,
    /// The code that undoes it.
    pub undo: SecretString,
}

macro_rules! columns {
    () => {
        "id, user_id, kind, object, label, undo, made_at, undo_until, undone_at, made_by"
    };
}

static BY_UNDO: Statement = Statement::new(
    "change_by_undo",
    concat!("SELECT ", columns!(), " FROM authenticator_change WHERE tenant = $1 AND undo = $2"),
    &[Type::Id, Type::Bytes],
);
static OF_USER: Statement = Statement::new(
    "change_of_user",
    concat!(
        "SELECT ",
        columns!(),
        " FROM authenticator_change WHERE tenant = $1 AND user_id = $2 AND undone_at IS NULL AND undo_until > $3 ORDER BY id"
    ),
    &[Type::Id, Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "change_insert",
    concat!(
        "INSERT INTO authenticator_change (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
    ],
);
static UNDO: Statement = Statement::new(
    "change_undo",
    "UPDATE authenticator_change SET undone_at = $3 WHERE tenant = $1 AND id = $2 AND undone_at IS NULL AND undo_until > $3 \
     RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static PURGE: Statement = Statement::new(
    "change_purge",
    "DELETE FROM authenticator_change WHERE (tenant, id) IN \
     (SELECT tenant, id FROM authenticator_change WHERE undo_until < $1 ORDER BY undo_until LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&BY_UNDO, &OF_USER, &INSERT, &UNDO, &PURGE];

impl Tenant<'_> {
    /// The change that a code undoes: also one that was undone, or whose time is over.
    pub async fn change_by_undo(&self, digest: &[u8]) -> Result<Option<ChangeRow>, StoreError> {
        self.find(&BY_UNDO, values![digest.to_vec()]).await
    }

    /// A user's changes that can still be undone, oldest first.
    pub async fn changes_of_user(&self, user: UserId, now: Millis) -> Result<Vec<ChangeRow>, StoreError> {
        self.list(&OF_USER, values![user, now]).await
    }
}

impl Tx {
    /// Notes a change in the transaction that makes it, and gives the code that undoes it.
    pub async fn note_change(
        &mut self,
        world: &World,
        keys: &TenantKeys,
        change: NewChange<'_>,
    ) -> Result<SecretString, StoreError> {
        let (now, random) = (world.now(), world.random.as_ref());
        let code = Token::generate(UNDO_PREFIX, random);
        self.insert_change(&ChangeRow {
            id: ChangeId::new(now, random),
            user_id: change.user,
            kind: change.kind.to_owned(),
            object: change.object.to_owned(),
            label: change.label.to_owned(),
            undo: keys.digest(fields::UNDO, &[code.expose().as_bytes()]).to_vec(),
            made_at: now,
            undo_until: now + UNDO_LIFE,
            undone_at: None,
            made_by: change.made_by.to_owned(),
        })
        .await?;
        self.tell_credential(world, change.user, change.kind, "create").await?;
        Ok(SecretString::new(code.expose().to_owned()))
    }

    /// Writes a change.
    pub async fn insert_change(&mut self, change: &ChangeRow) -> Result<(), StoreError> {
        self.run(&INSERT, change.values()).await.map(drop)
    }

    /// A user's changes that can still be undone, oldest first, as this transaction sees them.
    pub async fn changes_of_user(&mut self, user: UserId, now: Millis) -> Result<Vec<ChangeRow>, StoreError> {
        self.run(&OF_USER, values![user, now]).await?.into_iter().map(ChangeRow::from_row).collect()
    }

    /// Marks a change as undone; whether it could be, and this call and no other did. What was added is the caller's to remove.
    pub async fn undo_change(&mut self, id: ChangeId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&UNDO, values![id, now]).await
    }
}

impl Store {
    /// Removes changes that couldn't be undone any more before `before`, of every tenant, at most `limit`; gives how many.
    pub async fn purge_changes(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
