//! Providers that people come from, and whose their subjects are. Settings reach this crate looked over, secrets sealed.

use crate::{DirectoryError, Scope};
use serde_json::json;
use store::{Addition, ProviderLinkRow, ProviderRow};
use types::{Millis, UserId};

/// What it is called in refusals.
const PROVIDER: &str = "provider";
/// The longest name of a subject, in bytes.
const LONGEST_SUBJECT: usize = 1024;

impl Scope<'_> {
    /// Adds a provider.
    pub async fn add_provider(&self, provider: &ProviderRow) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.insert_provider(provider).await? {
            return Err(DirectoryError::Duplicate(PROVIDER));
        }
        self.log(&mut tx, "provider_add", &provider.key, json!({ "kind": provider.kind })).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a provider's settings and secret, and whether it is on. Its kind stays. `seen` is when the state that was read was set:
    /// [`DirectoryError::Changed`] where somebody has changed it since, or switched it off.
    pub async fn change_provider(&self, provider: &ProviderRow, seen: Millis) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.change_provider(provider, seen).await? {
            return Err(DirectoryError::Changed(PROVIDER));
        }
        self.log(&mut tx, "provider_change", &provider.key, json!({ "enabled": provider.enabled })).await?;
        Ok(tx.commit().await?)
    }

    /// Lets people come from a provider, or no longer. What is under way by it counts for nothing from then on: sign-ins of its people end,
    /// also those that were decided and not taken yet, and codes to enrol by that came of its word. Sessions that there are go on.
    pub async fn enable_provider(&self, key: &str, enabled: bool) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.enable_provider(key, enabled, self.world().now(), self.actor()).await? {
            return Err(DirectoryError::NotFound(PROVIDER));
        }
        let action = if enabled { "provider_enable" } else { "provider_disable" };
        self.log(&mut tx, action, key, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a provider away, and whose its subjects were. What is under way by it ends, as if it was switched off.
    pub async fn remove_provider(&self, key: &str) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.delete_provider(key).await? {
            return Err(DirectoryError::NotFound(PROVIDER));
        }
        self.log(&mut tx, "provider_remove", key, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Says whose a provider's subject is, and gives what to tell the user: it is something to sign in with.
    /// [`DirectoryError::Guarded`] where that takes two.
    pub async fn link_provider(
        &self,
        user: UserId,
        key: &str,
        subject: &str,
    ) -> Result<Option<Addition>, DirectoryError> {
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.contains(char::is_control) {
            return Err(DirectoryError::Invalid("subject"));
        }
        let (row, rows) = (self.user(user).await?, self.rows());
        rows.provider(key).await?.ok_or(DirectoryError::NotFound(PROVIDER))?;
        let keys = rows.keys().await?;
        self.admit_addition(user).await?;
        // These open something to who has no authenticator, too.
        let others = rows.password(user).await?.is_some() || !rows.provider_links_of_user(user).await?.is_empty();
        let mut tx = self.begin().await?;
        tx.hold_user(user).await?;
        let before = tx.authenticators_of(user).await? + i64::from(others);
        let link = ProviderLinkRow {
            provider: key.to_owned(),
            subject: subject.to_owned(),
            user_id: user,
            created: self.world().now(),
            made_by: self.actor().to_owned(),
        };
        if !tx.insert_provider_link(&link).await? {
            return Err(DirectoryError::Duplicate("link of this subject or of this user"));
        }
        let added = self.note_addition(&mut tx, user, before, &keys, ("provider", key, key)).await?;
        let detail = json!({ "provider": key, "user_id": user.to_string() });
        self.log(&mut tx, "provider_link", &row.username, detail).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Forgets which subject of a provider a user is; whether one was known. The user's sessions end, with sign-ins that are under way,
    /// also those that were decided and not taken yet, and codes to enrol by.
    pub async fn unlink_provider(&self, user: UserId, key: &str) -> Result<bool, DirectoryError> {
        let (row, now) = (self.user(user).await?, self.world().now());
        let mut tx = self.begin().await?;
        if !tx.unlink_provider(user, key, now).await? {
            return Ok(false);
        }
        tx.tell_credential(self.world(), user, "provider", "delete").await?;
        let detail = json!({ "provider": key, "user_id": user.to_string() });
        self.log(&mut tx, "provider_unlink", &row.username, detail).await?;
        tx.commit().await?;
        Ok(true)
    }
}
