//! Passwords that an administrator sets: for a first sign-in. They reach this crate hashed and sealed.

use crate::{DirectoryError, Scope};
use serde_json::json;
use store::{Addition, PasswordRow};
use types::UserId;

impl Scope<'_> {
    /// Sets a user's password, and gives what to tell the user. [`DirectoryError::Guarded`] where that takes two.
    pub async fn set_password(&self, password: &PasswordRow) -> Result<Option<Addition>, DirectoryError> {
        let user = password.user_id;
        let row = self.user(user).await?;
        let keys = self.rows().keys().await?;
        self.admit_addition(user).await?;
        let mut tx = self.begin().await?;
        tx.hold_user(user).await?;
        let before = tx.authenticators_of(user).await?;
        tx.set_password(password).await?;
        // Whoever knew the one before may be signed in by it.
        tx.end_everything_granted(user, None, self.world().now()).await?;
        let added = self.note_addition(&mut tx, user, before, &keys, ("password", "", "")).await?;
        self.log(&mut tx, "password_set", &row.username, json!({ "user_id": user.to_string() })).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes a user's password away; whether there was one.
    pub async fn clear_password(&self, user: UserId) -> Result<bool, DirectoryError> {
        let row = self.user(user).await?;
        let mut tx = self.begin().await?;
        let had = tx.delete_password(user).await?;
        if had {
            tx.end_everything_granted(user, None, self.world().now()).await?;
            tx.tell_credential(self.world(), user, "password", "delete").await?;
            self.log(&mut tx, "password_clear", &row.username, json!({ "user_id": user.to_string() })).await?;
        }
        tx.commit().await?;
        Ok(had)
    }
}
