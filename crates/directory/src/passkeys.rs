//! Passkeys, as far as an administrator has to do with them: they are registered by their owner's browser and can
//! only be suspended or taken away.

use crate::{DirectoryError, Scope, error::found, text};
use serde_json::json;
use store::{PasskeyRow, Tx};
use types::PasskeyId;

impl Scope<'_> {
    /// Makes a passkey useless until it is restored: it may be in wrong hands. Ends its user's sessions, and all
    /// that applications were granted. Whether that changed anything.
    pub async fn suspend_passkey(&self, id: PasskeyId, reason: &str) -> Result<bool, DirectoryError> {
        let reason = text::name(reason, 200, "reason")?;
        self.on_passkey(id, "webauthn_credential_suspend", async |tx, passkey| {
            let now = self.world().now();
            tx.end_everything_granted(passkey.user_id, None, now).await?;
            tx.tell_credential(self.world(), passkey.user_id, "passkey", "revoke").await?;
            tx.suspend_passkey(id, &reason, now).await
        })
        .await
    }

    /// Makes a suspended passkey useful again. Whether that changed anything.
    pub async fn restore_passkey(&self, id: PasskeyId) -> Result<bool, DirectoryError> {
        self.on_passkey(id, "webauthn_credential_restore", async |tx, _| tx.restore_passkey(id).await).await
    }

    /// One act on one passkey, with its log entry; gives what the act gave.
    async fn on_passkey(
        &self,
        id: PasskeyId,
        action: &str,
        act: impl AsyncFnOnce(&mut Tx, &PasskeyRow) -> Result<bool, store::StoreError>,
    ) -> Result<bool, DirectoryError> {
        let passkey = self.rows().passkey(id).await?.ok_or(DirectoryError::NotFound("passkey"))?;
        let user = self.user(passkey.user_id).await?;
        let mut tx = self.begin().await?;
        let changed = act(&mut tx, &passkey).await?;
        if changed {
            let detail = json!({ "webauthnkey": id.to_string(), "user_id": user.id.to_string() });
            self.log(&mut tx, action, &user.username, detail).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Takes a passkey from its user: it was lost, or its owner left. Ends the user's sessions, and all that applications were granted.
    ///
    /// The last one that is in use can only be suspended by an administrator who is alone ([`DirectoryError::Guarded`]): without it the
    /// account would be open to additions.
    pub async fn delete_passkey(&self, id: PasskeyId) -> Result<(), DirectoryError> {
        let passkey = self.rows().passkey(id).await?.ok_or(DirectoryError::NotFound("passkey"))?;
        let user = self.user(passkey.user_id).await?;
        let others = self.rows().passkeys_of_user(user.id).await?;
        let is_last = !others.iter().any(|other| other.id != id && other.suspended_at.is_none());
        if is_last {
            self.admit_addition(user.id).await?;
        }
        let mut tx = self.begin().await?;
        tx.hold_user(user.id).await?;
        found(tx.delete_passkey(passkey.user_id, id).await?, "passkey")?;
        // Two that go at the same moment are the last one together.
        if !is_last && tx.passkeys_in_use(user.id).await? == 0 {
            return Err(DirectoryError::Guarded);
        }
        tx.end_everything_granted(user.id, None, self.world().now()).await?;
        tx.tell_credential(self.world(), user.id, "passkey", "delete").await?;
        let detail =
            json!({ "webauthnkey": id.to_string(), "user_id": user.id.to_string(), "credential_name": passkey.name });
        self.log(&mut tx, "webauthn_credential_delete", &user.username, detail).await?;
        Ok(tx.commit().await?)
    }
}
