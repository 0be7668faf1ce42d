//! What is done to people: made, renamed, locked and unlocked, deleted with everything that hangs on them.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::Tx,
    users::UserRow,
    values,
};
use types::{Millis, UserId, UserName};

/// A change of a user's particulars; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// See [`UserRow::realname`].
    pub realname: Option<String>,
    /// See [`UserRow::firstname`].
    pub firstname: Option<String>,
    /// See [`UserRow::lastname`].
    pub lastname: Option<String>,
    /// See [`UserRow::email`].
    pub email: Option<String>,
    /// See [`UserRow::notes`].
    pub notes: Option<String>,
    /// See [`UserRow::attributes`].
    pub attributes: Option<String>,
}

static INSERT: Statement = Statement::new(
    "user_insert",
    "INSERT INTO users (tenant, id, username, realname, firstname, lastname, email, notes, status, failures, locked_at, \
     deleted_at, last_login, created, attributes, passkeys) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Int,
    ],
);
// The user must be this tenant's, whoever asks.
static INSERT_NAME: Statement = Statement::new(
    "user_insert_name",
    "INSERT INTO user_name (tenant, name, user_id, place) \
     SELECT tenant, CAST($3 AS TEXT), id, CAST($4 AS BIGINT) FROM users WHERE tenant = $1 AND id = $2 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static DELETE_PRIMARY: Statement = Statement::new(
    "user_delete_primary_name",
    "DELETE FROM user_name WHERE tenant = $1 AND user_id = $2 AND place = 0",
    &[Type::Id, Type::Id],
);
static DELETE_ALIASES: Statement = Statement::new(
    "user_delete_aliases",
    "DELETE FROM user_name WHERE tenant = $1 AND user_id = $2 AND place > 0",
    &[Type::Id, Type::Id],
);
static RENAME: Statement = Statement::new(
    "user_rename",
    "UPDATE users SET username = $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text],
);
static TOUCH: Statement = Statement::new(
    "user_touch",
    "UPDATE users SET username = username WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static CHANGE: Statement = Statement::new(
    "user_change",
    "UPDATE users SET realname = COALESCE($3, realname), firstname = COALESCE($4, firstname), \
     lastname = COALESCE($5, lastname), email = COALESCE($6, email), notes = COALESCE($7, notes), \
     attributes = COALESCE($8, attributes) WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Text, Type::Text, Type::Text, Type::Text],
);
static SET_STATUS: Statement = Statement::new(
    "user_set_status",
    "UPDATE users SET status = $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text],
);
static LOCK: Statement = Statement::new(
    "user_lock",
    "UPDATE users SET locked_at = $3 WHERE tenant = $1 AND id = $2 AND locked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static UNLOCK: Statement = Statement::new(
    "user_unlock",
    "UPDATE users SET failures = 0, locked_at = NULL WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static MARK_DELETED: Statement = Statement::new(
    "user_mark_deleted",
    "UPDATE users SET deleted_at = $3 WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static RESTORE: Statement = Statement::new(
    "user_restore",
    "UPDATE users SET deleted_at = NULL WHERE tenant = $1 AND id = $2 AND deleted_at IS NOT NULL RETURNING id",
    &[Type::Id, Type::Id],
);
static DELETE: Statement = Statement::new(
    "user_delete",
    "DELETE FROM users WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);

/// A statement that removes what hangs on a user in one table.
macro_rules! hanging {
    ($($name:ident = $table:literal;)*) => {
        $(static $name: Statement = Statement::new(
            concat!("user_delete_", $table),
            concat!("DELETE FROM ", $table, " WHERE tenant = $1 AND user_id = $2"),
            &[Type::Id, Type::Id],
        );)*
        static HANGING: &[&Statement] = &[$(&$name),*];
        pub(crate) static ALL: &[&Statement] = &[
            &INSERT, &INSERT_NAME, &DELETE_PRIMARY, &DELETE_ALIASES, &RENAME, &TOUCH, &CHANGE, &SET_STATUS, &LOCK, &UNLOCK,
            &MARK_DELETED, &RESTORE, &DELETE, $(&$name),*
        ];
    };
}

// Pending attempts go too: whoever waits for one finds nothing, which is a denial.
hanging! {
    DELETE_NAMES = "user_name";
    DELETE_MEMBERSHIPS = "membership";
    DELETE_PARTICIPANTS = "sso_participant";
    DELETE_CONSENTS = "consent";
    DELETE_DIRECTORY_LINKS = "directory_link";
    DELETE_PROVIDER_LINKS = "provider_link";
    DELETE_PASSWORDS = "password";
    DELETE_PHONE_LINKS = "user_phone";
    DELETE_TOKEN_LINKS = "user_token";
    DELETE_BYPASS_CODES = "bypass_code";
    DELETE_TRUSTED_DEVICES = "trusted_device";
    DELETE_ACTIVATIONS = "activation";
    DELETE_ATTEMPTS = "attempt";
    DELETE_PROMPTING = "prompting";
    DELETE_PASSKEYS = "passkey";
    DELETE_SIGN_INS = "sign_in";
    DELETE_SESSIONS = "session";
    DELETE_SESSION_DEVICES = "session_device";
    DELETE_GRANTS = "grants";
    DELETE_BROWSERS = "browser";
    DELETE_GRANT_FAMILIES = "grant_family";
    DELETE_DEVICE_GRANTS = "device_grant";
    DELETE_RECOVERY = "recovery";
    DELETE_CHANGES = "authenticator_change";
    DELETE_ADDITION_REQUEST = "addition_request";
}

impl Tx {
    /// Makes a user with a name and aliases. [`StoreError::Duplicate`] when any of the names is taken, also by an alias.
    pub async fn insert_user(
        &mut self,
        user: &UserRow,
        name: &UserName,
        aliases: &[UserName],
    ) -> Result<(), StoreError> {
        self.run(&INSERT, user.values()).await?;
        self.insert_names(user.id, 0, std::slice::from_ref(name)).await?;
        self.insert_names(user.id, 1, aliases).await
    }

    async fn insert_names(&mut self, user: UserId, first: i64, names: &[UserName]) -> Result<(), StoreError> {
        for (place, name) in (first..).zip(names) {
            self.run(&INSERT_NAME, values![user, name.as_str(), place]).await?;
        }
        Ok(())
    }

    /// Gives a user another name: `username` as it is shown, `name` as it is looked up. Whether there is such a user;
    /// [`StoreError::Duplicate`] when the name is taken.
    pub async fn rename_user(&mut self, user: UserId, username: &str, name: &UserName) -> Result<bool, StoreError> {
        if !self.changed(&RENAME, values![user, username]).await? {
            return Ok(false);
        }
        self.run(&DELETE_PRIMARY, values![user]).await?;
        self.insert_names(user, 0, std::slice::from_ref(name)).await?;
        Ok(true)
    }

    /// Puts these aliases in the place of those that are there. Whether there is such a user; [`StoreError::Duplicate`] when
    /// one is taken.
    pub async fn set_aliases(&mut self, user: UserId, aliases: &[UserName]) -> Result<bool, StoreError> {
        // The write takes the row's lock, so that two changes of one user's aliases go one after the other.
        if !self.changed(&TOUCH, values![user]).await? {
            return Ok(false);
        }
        self.run(&DELETE_ALIASES, values![user]).await?;
        self.insert_names(user, 1, aliases).await?;
        Ok(true)
    }

    /// Changes particulars. Whether there is such a user.
    pub async fn change_user(&mut self, user: UserId, change: &UserChange) -> Result<bool, StoreError> {
        let UserChange { realname, firstname, lastname, email, notes, attributes } = change.clone();
        self.changed(&CHANGE, values![user, realname, firstname, lastname, email, notes, attributes]).await
    }

    /// Sets what an administrator chose: `active`, `bypass`, `disabled`. Whether there is such a user.
    pub async fn set_user_status(&mut self, user: UserId, status: &str) -> Result<bool, StoreError> {
        self.changed(&SET_STATUS, values![user, status]).await
    }

    /// Locks a user by hand. Whether that changed anything.
    pub async fn lock_user(&mut self, user: UserId, at: Millis) -> Result<bool, StoreError> {
        self.changed(&LOCK, values![user, at]).await
    }

    /// Unlocks a user and forgets the wrong answers. Whether there is such a user.
    pub async fn unlock_user(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&UNLOCK, values![user]).await
    }

    /// Marks a user for deletion. Whether that changed anything.
    pub async fn mark_user_deleted(&mut self, user: UserId, at: Millis) -> Result<bool, StoreError> {
        self.changed(&MARK_DELETED, values![user, at]).await
    }

    /// Takes the mark away. Whether that changed anything.
    pub async fn restore_user(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&RESTORE, values![user]).await
    }

    /// Deletes a user and everything that hangs on the user: names, memberships, links to devices, passkeys, codes, trusted
    /// devices, activations, attempts, sign-ins, sessions. The devices themselves stay, as the logs do. Whether there was such a user.
    pub async fn delete_user(&mut self, user: UserId) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![user]).await? {
            return Ok(false);
        }
        for statement in HANGING {
            self.run(statement, values![user]).await?;
        }
        self.forget_reader(user).await?;
        Ok(true)
    }
}
