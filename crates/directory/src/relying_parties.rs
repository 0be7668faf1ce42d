//! Applications that sign people in here: an integration, with what it is as a relying party beside it.
//!
//! What the settings mean stands in `sso`, which checks them and gives them here as text.

use crate::{
    DirectoryError, NewIntegration, Scope,
    error::{found, taken},
};
use serde_json::json;
use store::{RelyingPartyChange, RelyingPartyRow, fields};
use types::SecretString;

/// A relying party to be made.
pub struct NewRelyingParty<'a> {
    /// Its integration, with keys, because the settings may depend on them.
    pub integration: &'a NewIntegration,
    /// `oidc`, `saml` or `forward`.
    pub protocol: &'a str,
    /// What it calls itself there; none: the key of its integration.
    pub key: Option<&'a str>,
    /// Its settings, checked, as JSON.
    pub settings: &'a str,
    /// A secret that must be read again.
    pub secret: Option<&'a SecretString>,
}

/// A change of a relying party; what is `None` stays as it is.
#[derive(Default)]
pub struct RelyingPartyPatch<'a> {
    /// See [`NewRelyingParty::key`].
    pub key: Option<&'a str>,
    /// See [`NewRelyingParty::settings`].
    pub settings: Option<&'a str>,
    /// The settings that these were made of, where the change is only right if they still stand there.
    pub was: Option<&'a str>,
    /// See [`NewRelyingParty::secret`].
    pub secret: Option<&'a SecretString>,
    /// What was changed, for the log: names and never values.
    pub fields: Vec<String>,
}

impl Scope<'_> {
    /// Makes an application that signs people in here; gives its integration's key.
    ///
    /// # Errors
    /// [`DirectoryError::Duplicate`] where another of this tenant calls itself so.
    pub async fn create_relying_party(&self, new: &NewRelyingParty<'_>) -> Result<String, DirectoryError> {
        let (row, _) = self.new_integration(new.integration).await?;
        let now = self.world().now();
        let key = new.key.unwrap_or(&row.ikey).to_owned();
        let party = RelyingPartyRow {
            ikey: row.ikey.clone(),
            protocol: new.protocol.to_owned(),
            key: key.clone(),
            settings: new.settings.to_owned(),
            secret: self.sealed_party_secret(&row.ikey, new.secret).await?,
            created: now,
            updated: now,
        };
        let mut tx = self.begin().await?;
        self.insert_integration(&mut tx, &row, new.integration).await?;
        tx.insert_relying_party(&party).await.map_err(taken("relying party"))?;
        let detail = json!({ "integration_key": row.ikey, "protocol": new.protocol, "key": key });
        self.log(&mut tx, "relying_party_create", &row.name, detail).await?;
        tx.commit().await?;
        Ok(row.ikey)
    }

    /// Changes a relying party. Its name, access, groups and policy are its integration's.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] where the integration is none, [`DirectoryError::Changed`] where the settings aren't those that they
    /// were meant to take the place of.
    pub async fn change_relying_party(&self, ikey: &str, patch: &RelyingPartyPatch<'_>) -> Result<(), DirectoryError> {
        let row = self.integration(ikey).await?;
        let change = RelyingPartyChange {
            key: patch.key.map(str::to_owned),
            settings: patch.settings.map(str::to_owned),
            secret: self.sealed_party_secret(ikey, patch.secret).await?,
        };
        let mut tx = self.begin().await?;
        if let (Some(old), Some(new)) = (patch.was, patch.settings)
            && !tx.reset_relying_party(ikey, old, new, self.world().now()).await?
        {
            return Err(DirectoryError::Changed("relying party"));
        }
        let changed =
            tx.change_relying_party(ikey, &change, self.world().now()).await.map_err(taken("relying party"))?;
        found(changed, "relying party")?;
        let detail = json!({ "integration_key": ikey, "fields": patch.fields, "key": patch.key });
        self.log(&mut tx, "relying_party_update", &row.name, detail).await?;
        // Whoever keeps it knows by the application that it is another.
        self.application_changed(&mut tx, ikey).await?;
        Ok(tx.commit().await?)
    }

    async fn sealed_party_secret(
        &self,
        ikey: &str,
        secret: Option<&SecretString>,
    ) -> Result<Option<Vec<u8>>, DirectoryError> {
        let Some(secret) = secret else { return Ok(None) };
        let keys = self.rows().keys().await?;
        let bytes = secret.expose().as_bytes();
        Ok(Some(keys.seal(fields::relying_party_secret(ikey), bytes, self.world().random.as_ref())?))
    }
}
