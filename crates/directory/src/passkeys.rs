//! Passkeys, as far as an administrator has to do with them: they are registered by their owner's browser and can only be taken away.

use crate::{DirectoryError, Scope, error::found};
use serde_json::json;
use types::PasskeyId;

impl Scope<'_> {
    /// Takes a passkey from its user: it was lost, or its owner left.
    pub async fn delete_passkey(&self, id: PasskeyId) -> Result<(), DirectoryError> {
        let passkey = self.rows().passkey(id).await?.ok_or(DirectoryError::NotFound("passkey"))?;
        let user = self.user(passkey.user_id).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_passkey(passkey.user_id, id).await?, "passkey")?;
        let detail =
            json!({ "webauthnkey": id.to_string(), "user_id": user.id.to_string(), "credential_name": passkey.name });
        self.log(&mut tx, "webauthn_credential_delete", &user.username, detail).await?;
        Ok(tx.commit().await?)
    }
}
