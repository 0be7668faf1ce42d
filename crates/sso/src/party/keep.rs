//! Finding relying parties, and keeping them in memory.
//!
//! A kept one holds the engine's own application. When that is another than the engine has now, something was changed: every change of a
//! relying party is announced as a change of its integration, on every node.

use super::{Protocol, RelyingParty, Settings};
use crate::{Sso, SsoError};
use quick_cache::sync::Cache;
use std::sync::Arc;
use store::{RelyingPartyRow, StoreError, fields};
use types::{SecretString, TenantId};

/// So many are kept.
const KEPT: usize = 50_000;
/// The longest key that is looked for, in bytes.
const LONGEST_KEY: usize = 1024;

/// Those that are kept: by what they call themselves, and by their integration.
pub(crate) struct Parties {
    by_key: Cache<(TenantId, Protocol, String), Arc<RelyingParty>>,
    by_ikey: Cache<String, Arc<RelyingParty>>,
}

impl Default for Parties {
    fn default() -> Self {
        Self { by_key: Cache::new(KEPT), by_ikey: Cache::new(KEPT) }
    }
}

impl Sso {
    /// The relying party that calls itself `key` (`client_id`, entity id, host) in a protocol; none where there is no such one.
    pub async fn party(
        &self,
        tenant: TenantId,
        protocol: Protocol,
        key: &str,
    ) -> Result<Option<Arc<RelyingParty>>, SsoError> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Ok(None);
        }
        let name = (tenant, protocol, key.to_owned());
        if let Some(kept) = self.parties.by_key.get(&name) {
            if self.is_current(&kept).await? {
                return Ok(Some(kept));
            }
            self.parties.by_key.remove(&name);
        }
        let row = self.store().tenant(tenant).relying_party_by_key(protocol.as_str(), key).await?;
        self.keep(tenant, row).await
    }

    /// The relying party of an integration; none where there is no such one in this tenant.
    pub async fn party_of(&self, tenant: TenantId, ikey: &str) -> Result<Option<Arc<RelyingParty>>, SsoError> {
        if let Some(kept) = self.parties.by_ikey.get(ikey).filter(|kept| kept.tenant() == tenant) {
            if self.is_current(&kept).await? {
                return Ok(Some(kept));
            }
            self.parties.by_ikey.remove(ikey);
        }
        let row = self.store().tenant(tenant).relying_party(ikey).await?;
        self.keep(tenant, row).await
    }

    async fn is_current(&self, kept: &RelyingParty) -> Result<bool, SsoError> {
        let app = self.auth().applications().get(kept.ikey()).await?;
        Ok(app.is_some_and(|app| Arc::ptr_eq(&app, &kept.app)))
    }

    async fn keep(
        &self,
        tenant: TenantId,
        row: Option<RelyingPartyRow>,
    ) -> Result<Option<Arc<RelyingParty>>, SsoError> {
        let Some(row) = row else { return Ok(None) };
        // The application first: what is changed after is announced, and then this one is another.
        let app = self.auth().applications().get(&row.ikey).await?.filter(|app| app.tenant == tenant);
        let Some(app) = app else { return Ok(None) };
        let ikey = row.ikey.clone();
        let Some(row) = self.store().tenant(tenant).relying_party(&ikey).await? else { return Ok(None) };
        let party = Arc::new(self.read_party(tenant, app, row).await?);
        self.parties.by_key.insert((tenant, party.protocol, party.key.clone()), Arc::clone(&party));
        self.parties.by_ikey.insert(ikey, Arc::clone(&party));
        Ok(Some(party))
    }

    async fn read_party(
        &self,
        tenant: TenantId,
        app: Arc<auth::Application>,
        row: RelyingPartyRow,
    ) -> Result<RelyingParty, SsoError> {
        let settings: Settings = serde_json::from_str(&row.settings).map_err(|_| SsoError::Damaged("relying party"))?;
        let protocol = Protocol::parse(&row.protocol).ok_or(SsoError::Damaged("relying party"))?;
        if settings.protocol() != protocol {
            return Err(SsoError::Damaged("relying party"));
        }
        let shared_secret = match &row.secret {
            Some(sealed) => {
                let opened = self.store().tenant(tenant).open(fields::relying_party_secret(&row.ikey), sealed).await?;
                let text = String::from_utf8(opened.expose().to_vec());
                Some(SecretString::new(text.map_err(|_| StoreError::Damaged("relying party"))?))
            }
            None => None,
        };
        Ok(RelyingParty { app, protocol, key: row.key, settings, shared_secret })
    }
}
