//! The directory against which a tenant's people give their passwords. Its settings reach this crate looked over, its password sealed.

use crate::{DirectoryError, Scope};
use serde_json::json;
use store::DirectoryRow;
use types::UserId;

impl Scope<'_> {
    /// Sets the tenant's directory. Which entry is whose is forgotten unless it `is_same_directory`: another's entries have other ids.
    pub async fn set_user_directory(
        &self,
        directory: &DirectoryRow,
        is_same_directory: bool,
    ) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        tx.set_user_directory(directory).await?;
        let forgotten = if is_same_directory { 0 } else { tx.unlink_directory_of_all().await? };
        self.log(&mut tx, "directory_set", "", json!({ "links_forgotten": forgotten })).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the tenant's directory away, and which entry was whose; whether there was one.
    pub async fn remove_user_directory(&self) -> Result<bool, DirectoryError> {
        let mut tx = self.begin().await?;
        let had = tx.delete_user_directory().await?;
        if had {
            let forgotten = tx.unlink_directory_of_all().await?;
            self.log(&mut tx, "directory_remove", "", json!({ "links_forgotten": forgotten })).await?;
        }
        tx.commit().await?;
        Ok(had)
    }

    /// Forgets which entry of the directory is a user's: the next one that the user's name leads to will be. Whether one was known.
    pub async fn unlink_directory(&self, user: UserId) -> Result<bool, DirectoryError> {
        let row = self.user(user).await?;
        let mut tx = self.begin().await?;
        let had = tx.unlink_directory(user).await?;
        if had {
            tx.end_everything_granted(user, None, self.world().now()).await?;
            self.log(&mut tx, "directory_unlink", &row.username, json!({ "user_id": user.to_string() })).await?;
        }
        tx.commit().await?;
        Ok(had)
    }
}
