//! Providers that people come from, and whose their subjects are. Settings reach this crate looked over, secrets sealed.

use crate::{DirectoryError, Scope};
use serde_json::json;
use store::{ProviderLinkRow, ProviderRow};
use types::UserId;

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

    /// Changes a provider's settings and secret. Its kind stays.
    pub async fn change_provider(&self, provider: &ProviderRow) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.change_provider(provider).await? {
            return Err(DirectoryError::NotFound(PROVIDER));
        }
        self.log(&mut tx, "provider_change", &provider.key, json!({ "enabled": provider.enabled })).await?;
        Ok(tx.commit().await?)
    }

    /// Lets people come from a provider, or no longer. Sign-ins that are under way by it count for nothing from then on.
    pub async fn enable_provider(&self, key: &str, enabled: bool) -> Result<(), DirectoryError> {
        let row = self.rows().provider(key).await?.ok_or(DirectoryError::NotFound(PROVIDER))?;
        let row = ProviderRow { enabled, ..row };
        let mut tx = self.begin().await?;
        if !tx.change_provider(&row).await? {
            return Err(DirectoryError::NotFound(PROVIDER));
        }
        let action = if enabled { "provider_enable" } else { "provider_disable" };
        self.log(&mut tx, action, key, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a provider away, and whose its subjects were.
    pub async fn remove_provider(&self, key: &str) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if !tx.delete_provider(key).await? {
            return Err(DirectoryError::NotFound(PROVIDER));
        }
        self.log(&mut tx, "provider_remove", key, json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Says whose a provider's subject is.
    pub async fn link_provider(&self, user: UserId, key: &str, subject: &str) -> Result<(), DirectoryError> {
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT || subject.contains(char::is_control) {
            return Err(DirectoryError::Invalid("subject"));
        }
        let row = self.user(user).await?;
        self.rows().provider(key).await?.ok_or(DirectoryError::NotFound(PROVIDER))?;
        let mut tx = self.begin().await?;
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
        let detail = json!({ "provider": key, "user_id": user.to_string() });
        self.log(&mut tx, "provider_link", &row.username, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets which subject of a provider a user is, and ends the user's sessions; whether one was known.
    pub async fn unlink_provider(&self, user: UserId, key: &str) -> Result<bool, DirectoryError> {
        let row = self.user(user).await?;
        let mut tx = self.begin().await?;
        let had = tx.delete_provider_link(user, key).await?;
        if had {
            tx.end_everything_granted(user, None, self.world().now()).await?;
            let detail = json!({ "provider": key, "user_id": user.to_string() });
            self.log(&mut tx, "provider_unlink", &row.username, detail).await?;
        }
        tx.commit().await?;
        Ok(had)
    }
}
