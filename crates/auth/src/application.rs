//! An application as the login path needs it: its secret opened, its tenant's settings and its policies read.
//!
//! Loading one costs several statements, so applications are kept. A change drops the kept one by its notice, on every node;
//! where notices may have been lost, everything that is kept is dropped. Time bounds what is left to chance.

use crate::{
    error::AuthError,
    policy::{Layer, Policies},
    settings::Settings,
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use store::{RowCache, Slice, Store, fields};
use types::{GroupId, Millis, Normalization, PolicyId, SecretString, TenantId};

/// So many applications are kept.
const KEPT: usize = 100_000;
/// For no longer than this.
const FRESH: Duration = Duration::from_secs(600);

/// A tenant has no more policies than this.
pub const MOST_POLICIES: i64 = 1000;

/// Who may use an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserAccess {
    /// Everybody.
    #[default]
    AllUsers,
    /// Members of `groups_allowed`.
    PermittedGroups,
    /// Nobody.
    NoUsers,
}

/// The fields of an integration's settings that decide something here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stored {
    user_access: UserAccess,
    groups_allowed: Vec<String>,
    push_approval: Option<crate::settings::PushApproval>,
    enabled: Option<bool>,
    #[serde(flatten)]
    other: serde_json::Map<String, serde_json::Value>,
}

/// An application that asks for authentications.
pub struct Application {
    /// Whose.
    pub tenant: TenantId,
    /// Its public key: 20 characters.
    pub ikey: String,
    /// For people.
    pub name: String,
    /// Duo's integration type: `authapi`, `unix`, `adminapi`, …
    pub kind: String,
    /// Its secret key: 40 characters.
    pub secret: SecretString,
    /// Whether requests without a date are accepted.
    pub signature_v1: bool,
    /// How user names are brought to one form.
    pub normalization: Normalization,
    /// Whether it is switched on. One that is off denies; it must not look unknown, because clients take that for an outage.
    pub enabled: bool,
    /// Who may use it.
    pub access: UserAccess,
    /// Of which groups, when only some may.
    pub groups_allowed: Vec<GroupId>,
    /// Its policies.
    pub policies: Policies,
    /// Its own way of approving a push, where it differs from the tenant's.
    pub push_approval: Option<crate::settings::PushApproval>,
    /// The tenant's settings.
    pub settings: Settings,
    /// The tenant's host name.
    pub api_host: String,
    /// The other fields of its settings: grants of the Admin API and the like.
    pub grants: serde_json::Map<String, serde_json::Value>,
    loaded: Millis,
}

impl Application {
    /// How a push is approved here.
    #[must_use]
    pub fn push_approval(&self) -> crate::settings::PushApproval {
        self.push_approval.unwrap_or(self.settings.push_approval)
    }
}

/// The applications of a store.
pub struct Applications {
    store: Arc<Store>,
    kept: RowCache<String, Arc<Application>>,
}

impl Applications {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store, kept: RowCache::new(KEPT) }
    }

    /// The application with this key, or nothing.
    pub async fn get(&self, ikey: &str) -> Result<Option<Arc<Application>>, AuthError> {
        let now = self.store.world().now();
        if let Some(found) = self.kept.get(ikey)
            && now.since(found.loaded) < FRESH
        {
            return Ok(Some(found));
        }
        let reading = self.kept.reading();
        let Some(tenant) = self.store.tenant_of_ikey(ikey).await? else { return Ok(None) };
        let Some(application) = self.load(tenant, ikey, now).await? else { return Ok(None) };
        let application = Arc::new(application);
        self.kept.keep(reading, ikey.to_owned(), Arc::clone(&application));
        Ok(Some(application))
    }

    /// Drops a kept application; the next request reads it anew.
    pub fn forget(&self, ikey: &str) {
        self.kept.forget(ikey);
    }

    /// Drops all that are kept of one tenant: its settings or policies have changed.
    pub fn forget_tenant(&self, tenant: TenantId) {
        self.kept.forget_where(|_, application| application.tenant == tenant);
    }

    /// Drops all.
    pub fn forget_all(&self) {
        self.kept.forget_all();
    }

    async fn load(&self, tenant: TenantId, ikey: &str, now: Millis) -> Result<Option<Application>, AuthError> {
        let scope = self.store.tenant(tenant);
        let (Some(row), Some(integration)) = (scope.row().await?, scope.integration(ikey).await?) else {
            return Ok(None);
        };
        let stored: Stored =
            serde_json::from_str(&integration.settings).map_err(|_| AuthError::Damaged("integration"))?;
        // One that was caught reading what it should not is off until an administrator lets it go on.
        let frozen = integration.r#type == "adminapi"
            && scope.watched(ikey).await?.is_some_and(|watched| watched.frozen_at.is_some());
        let secret = scope.open(fields::integration_secret(ikey), &integration.secret).await?;
        let secret = String::from_utf8(secret.expose().to_vec()).map_err(|_| AuthError::Damaged("secret key"))?;
        let mut layers = Vec::new();
        let slice = Slice { offset: 0, limit: MOST_POLICIES };
        let policies = scope.policies(slice).await?;
        if policies.total > MOST_POLICIES {
            return Err(AuthError::Damaged("policies"));
        }
        for policy in policies.rows {
            layers.push((policy.id, policy.is_global, Arc::new(Layer::parse(&policy.name, &policy.sections)?)));
        }
        let find = |id: PolicyId| {
            let found = layers.iter().find(|(layer, ..)| *layer == id).map(|(.., layer)| Arc::clone(layer));
            // A policy that is named and isn't there must not be read as no policy.
            found.ok_or(AuthError::Damaged("policy"))
        };
        let mut groups = Vec::new();
        for link in scope.group_policies(ikey).await? {
            groups.push((link.group_id, find(link.policy)?));
        }
        let settings = Settings::parse(&row.settings).map_err(|_| AuthError::Damaged("settings"))?;
        let policies = Policies {
            groups,
            passkey_only: settings.passkey_only,
            application: match integration.policy {
                Some(policy) => Some(find(policy)?),
                None => own_rules(&stored.other)?,
            },
            global: layers.iter().find(|(_, global, _)| *global).map(|(.., layer)| Arc::clone(layer)),
        };
        let groups_allowed = stored
            .groups_allowed
            .iter()
            .map(|id| id.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| AuthError::Damaged("group"))?;
        Ok(Some(Application {
            tenant,
            ikey: ikey.to_owned(),
            name: integration.name,
            kind: integration.r#type,
            secret: SecretString::new(secret),
            signature_v1: integration.signature_v1,
            normalization: match integration.normalization.as_str() {
                "none" => Normalization::None,
                _ => Normalization::Simple,
            },
            access: stored.user_access,
            groups_allowed,
            policies,
            push_approval: stored.push_approval,
            enabled: stored.enabled != Some(false) && !frozen,
            settings,
            api_host: row.api_host,
            grants: stored.other,
            loaded: now,
        }))
    }
}

/// The rules that stand in an integration itself (`enroll_policy`, `trusted_device_days`, `ip_whitelist`: Duo had them before it had
/// policies), as the layer that a policy of the application's own would be.
fn own_rules(settings: &serde_json::Map<String, serde_json::Value>) -> Result<Option<Arc<Layer>>, AuthError> {
    let mut sections = serde_json::Map::new();
    match settings.get("enroll_policy").and_then(|value| value.as_str()) {
        None | Some("") => {}
        Some(policy) => {
            let behavior = if policy == "allow" { "no-mfa" } else { policy };
            sections.insert("new_user".to_owned(), serde_json::json!({ "new_user_behavior": behavior }));
        }
    }
    if let Some(days) = settings.get("trusted_device_days").and_then(|days| days.as_u64()).filter(|days| *days > 0) {
        sections.insert("remembered_devices".to_owned(), serde_json::json!({ "enabled": true, "days": days }));
    }
    if let Some(networks) =
        settings.get("ip_whitelist").and_then(|list| list.as_array()).filter(|list| !list.is_empty())
    {
        sections.insert(
            "authorized_networks".to_owned(),
            serde_json::json!({ "no_2fa_required": { "ip_list": networks } }),
        );
    }
    if sections.is_empty() {
        return Ok(None);
    }
    let text = serde_json::Value::Object(sections).to_string();
    Ok(Some(Arc::new(Layer::parse("of the application itself", &text)?)))
}
