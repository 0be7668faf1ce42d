//! A tenant's directory, against which people's passwords are tried; and whose entry of it is whose account here.
//!
//! A name says little: in a directory it may be given to somebody else when its owner has gone. What stays is the entry's own id, and the
//! first entry that proves an account is the only one from then on.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, UserId};

/// The name of a tenant's one directory.
const NAME: &str = "ldap";

record! {
    /// A directory.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DirectoryRow {
        /// As `auth` writes them: JSON without secrets.
        pub settings: String,
        /// The password of the account that looks people up, sealed.
        pub secret: Vec<u8>,
        /// When it was set.
        pub set_at: Millis,
        /// Who set it.
        pub set_by: String,
    }
}

static OF_TENANT: Statement = Statement::new(
    "user_directory_of_tenant",
    "SELECT settings, secret, set_at, set_by FROM user_directory WHERE tenant = $1 AND name = $2",
    &[Type::Id, Type::Text],
);
static SET: Statement = Statement::new(
    "user_directory_set",
    "INSERT INTO user_directory (tenant, name, settings, secret, set_at, set_by) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (tenant, name) DO UPDATE SET settings = excluded.settings, secret = excluded.secret, set_at = excluded.set_at, \
     set_by = excluded.set_by RETURNING name",
    &[Type::Id, Type::Text, Type::Text, Type::Bytes, Type::Int, Type::Text],
);
static RESEAL: Statement = Statement::new(
    "user_directory_reseal",
    "UPDATE user_directory SET secret = $4 WHERE tenant = $1 AND name = $2 AND secret = $3 RETURNING name",
    &[Type::Id, Type::Text, Type::Bytes, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "user_directory_delete",
    "DELETE FROM user_directory WHERE tenant = $1 AND name = $2 RETURNING name",
    &[Type::Id, Type::Text],
);
static LINK_OF_USER: Statement = Statement::new(
    "directory_link_of_user",
    "SELECT subject FROM directory_link WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
static LINK: Statement = Statement::new(
    "directory_link_insert",
    "INSERT INTO directory_link (tenant, subject, user_id, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING \
     RETURNING user_id",
    &[Type::Id, Type::Bytes, Type::Id, Type::Int],
);
static UNLINK: Statement = Statement::new(
    "directory_link_delete",
    "DELETE FROM directory_link WHERE tenant = $1 AND user_id = $2 RETURNING user_id",
    &[Type::Id, Type::Id],
);
static UNLINK_ALL: Statement = Statement::new(
    "directory_link_delete_all",
    "DELETE FROM directory_link WHERE tenant = $1 RETURNING 1",
    &[Type::Id],
);

pub(crate) static ALL: &[&Statement] =
    &[&OF_TENANT, &SET, &RESEAL, &DELETE, &LINK_OF_USER, &LINK, &UNLINK, &UNLINK_ALL];

impl Tenant<'_> {
    /// The tenant's directory, if it has one.
    pub async fn user_directory(&self) -> Result<Option<DirectoryRow>, StoreError> {
        self.find(&OF_TENANT, values![NAME]).await
    }

    /// Which entry of the directory is a user's; none until one has proved the account.
    pub async fn directory_link(&self, user: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.read(&LINK_OF_USER, values![user]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }
}

impl Tx {
    /// Sets the tenant's directory, in the place of the one before.
    pub async fn set_user_directory(&mut self, directory: &DirectoryRow) -> Result<(), StoreError> {
        let DirectoryRow { settings, secret, set_at, set_by } = directory.clone();
        self.run(&SET, values![NAME, settings, secret, set_at, set_by]).await.map(drop)
    }

    /// Puts the same password, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_user_directory(&mut self, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![NAME, old.to_vec(), new.to_vec()]).await
    }

    /// Takes the tenant's directory away; whether there was one.
    pub async fn delete_user_directory(&mut self) -> Result<bool, StoreError> {
        self.changed(&DELETE, values![NAME]).await
    }

    /// Notes whose entry an entry is. False where it is another user's already, or the user has another: nothing changes then.
    pub async fn link_directory(&mut self, user: UserId, subject: &[u8], now: Millis) -> Result<bool, StoreError> {
        self.changed(&LINK, values![subject.to_vec(), user, now]).await
    }

    /// Forgets which entry is a user's; whether there was one.
    pub async fn unlink_directory(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&UNLINK, values![user]).await
    }

    /// Forgets which entries are whose: another directory has other ones. How many there were.
    pub async fn unlink_directory_of_all(&mut self) -> Result<usize, StoreError> {
        Ok(self.run(&UNLINK_ALL, Vec::new()).await?.len())
    }
}
