//! People's passwords: only ever the first of two proofs. Of a password stands here an Argon2id hash, sealed, so that a stolen database can't
//! even be guessed against.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, UserId};

record! {
    /// A password.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PasswordRow {
        /// Whose.
        pub user_id: UserId,
        /// Its hash, sealed.
        pub hash: Vec<u8>,
        /// When it was set.
        pub set_at: Millis,
        /// Who set it: `user`, or an administrator's name.
        pub set_by: String,
    }
}

static OF_USER: Statement = Statement::new(
    "password_of_user",
    "SELECT user_id, hash, set_at, set_by FROM password WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
static SET: Statement = Statement::new(
    "password_set",
    "INSERT INTO password (tenant, user_id, hash, set_at, set_by) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (tenant, user_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at, set_by = excluded.set_by \
     RETURNING user_id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int, Type::Text],
);
// The same password under a costlier hash: whoever set another one meanwhile wins.
static REPLACE: Statement = Statement::new(
    "password_replace",
    "UPDATE password SET hash = $4 WHERE tenant = $1 AND user_id = $2 AND hash = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "password_delete",
    "DELETE FROM password WHERE tenant = $1 AND user_id = $2 RETURNING user_id",
    &[Type::Id, Type::Id],
);
pub(crate) static ALL: &[&Statement] = &[&OF_USER, &SET, &REPLACE, &DELETE];

impl Tenant<'_> {
    /// A user's password.
    pub async fn password(&self, user: UserId) -> Result<Option<PasswordRow>, StoreError> {
        self.find(&OF_USER, values![user]).await
    }
}

impl Tx {
    /// Sets a user's password, in the place of the one before.
    pub async fn set_password(&mut self, password: &PasswordRow) -> Result<(), StoreError> {
        self.run(&SET, password.values()).await.map(drop)
    }

    /// Puts the same password, hashed anew, in the place of `old`. Whether `old` was still there.
    pub async fn replace_password(&mut self, user: UserId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&REPLACE, values![user, old.to_vec(), new.to_vec()]).await
    }

    /// Takes a user's password away; whether there was one.
    pub async fn delete_password(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&DELETE, values![user]).await
    }
}
