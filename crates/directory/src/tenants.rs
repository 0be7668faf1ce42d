//! Tenants and their settings.

use crate::{Directory, DirectoryError, Scope, SettingsFields, error::taken, text};
use keys::Recipients;
use serde_json::{Map, Value, json};
use store::{PolicyRow, StoreError, TenantRow};
use types::{PolicyId, TenantId};

/// A tenant to be made.
#[derive(Clone, Debug, Default)]
pub struct NewTenant {
    /// For people.
    pub name: String,
    /// The host name that its clients use, without a port: `api-….example.org`. Once in the house.
    pub api_host: String,
    /// What its settings hold beside the defaults.
    pub settings: SettingsFields,
    /// The public keys that its message log is sealed to (`cspub1…`, up to three with spaces between them); without one the sealed
    /// parts are not kept.
    pub log_key: Option<String>,
}

/// A host name as DNS has it, in small letters (RFC 1123 §2.1).
fn host(text: &str) -> Result<String, DirectoryError> {
    let host = text.trim().to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() <= 253 && host.split('.').all(label) { Ok(host) } else { Err(DirectoryError::Invalid("api_host")) }
}

fn log_key(text: &str) -> Result<String, DirectoryError> {
    Ok(Recipients::from_text(text).map_err(|_| DirectoryError::Invalid("log_key"))?.to_text())
}

impl Directory {
    fn settings(&self, settings: Map<String, Value>) -> Result<String, DirectoryError> {
        let text = Value::Object(settings).to_string();
        (self.checks.settings)(&text).map_err(DirectoryError::Refused)?;
        Ok(text)
    }

    /// Makes a tenant with a key of its own and an empty global policy. [`DirectoryError::Duplicate`] when the host name is taken.
    pub async fn create_tenant(&self, new: &NewTenant, actor: &str) -> Result<TenantRow, DirectoryError> {
        let world = self.store.world();
        let (now, random) = (world.now(), world.random.as_ref());
        let row = TenantRow {
            id: TenantId::new(now, random),
            name: text::name(&new.name, 255, "name")?,
            api_host: host(&new.api_host)?,
            created: now,
            settings: self.settings(new.settings.values().clone())?,
            log_key: new.log_key.as_deref().map(log_key).transpose()?,
        };
        let policy = PolicyRow {
            id: PolicyId::new(now, random),
            name: "Global Policy".to_owned(),
            is_global: true,
            sections: "{}".to_owned(),
            created: now,
        };
        let scope = self.tenant(row.id, actor);
        let mut tx = self.store.begin_tenant(&row).await.map_err(taken("api_host"))?;
        tx.insert_policy(&policy).await?;
        let detail = json!({ "account_id": row.id.to_string(), "api_hostname": row.api_host });
        scope.log(&mut tx, "customer_create", &row.name, detail).await?;
        tx.commit().await?;
        Ok(row)
    }
}

impl Scope<'_> {
    /// The tenant itself.
    pub async fn row(&self) -> Result<TenantRow, DirectoryError> {
        self.rows().row().await?.ok_or(DirectoryError::NotFound("tenant"))
    }

    /// Sets some of the settings; the others stay.
    pub async fn change_settings(&self, fields: &SettingsFields) -> Result<(), DirectoryError> {
        let row = self.row().await?;
        let mut settings: Map<String, Value> =
            serde_json::from_str(&row.settings).map_err(|_| DirectoryError::Store(StoreError::Damaged("settings")))?;
        settings.extend(fields.values().clone());
        let settings = self.directory.settings(settings)?;
        let changed: Vec<&String> = fields.values().keys().collect();
        self.set(&row.name, &settings, row.log_key.as_deref(), json!({ "fields": changed })).await
    }

    /// Names the tenant anew.
    pub async fn rename_tenant(&self, name: &str) -> Result<(), DirectoryError> {
        let (row, name) = (self.row().await?, text::name(name, 255, "name")?);
        self.set(&name, &row.settings, row.log_key.as_deref(), json!({ "name": name })).await
    }

    /// Seals the message log to this public key from now on (or to each of up to three, with spaces between them: each opens it by
    /// itself), or keeps its sealed parts no longer. What was sealed to another key stays sealed to that one.
    pub async fn set_log_key(&self, key: Option<&str>) -> Result<(), DirectoryError> {
        let (row, key) = (self.row().await?, key.map(log_key).transpose()?);
        let detail = json!({ "log_key": key });
        self.set(&row.name, &row.settings, key.as_deref(), detail).await
    }

    async fn set(&self, name: &str, settings: &str, key: Option<&str>, detail: Value) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        crate::error::found(tx.set_tenant(name, settings, key).await?, "tenant")?;
        self.log(&mut tx, "customer_update", name, detail).await?;
        self.tenant_changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
