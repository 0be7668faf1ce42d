//! Policies, and to what they apply.

use crate::{DirectoryError, Scope, error::found, text};
use serde_json::{Map, Value, json};
use store::{GroupPolicyRow, PolicyChange, PolicyRow, Slice};
use types::{GroupId, PolicyId};

/// Policies of one tenant at most. The engine reads them all with an application, and refuses everybody where one is missing.
const MOST: i64 = 500;
/// The longest sections, in bytes.
const LONGEST: usize = 64 * 1024;

/// A policy's rules by section, in the shapes of Duo's Admin API v2.
pub type Sections = Map<String, Value>;

impl Scope<'_> {
    fn sections(&self, name: &str, sections: &Sections) -> Result<String, DirectoryError> {
        let text = serde_json::to_string(sections).map_err(|_| DirectoryError::Invalid("sections"))?;
        if text.len() > LONGEST {
            return Err(DirectoryError::Invalid("sections"));
        }
        (self.directory.checks.policy)(name, &text).map_err(DirectoryError::Refused)?;
        Ok(text)
    }

    /// Makes a policy that applies to nothing yet. The global one is made with the tenant.
    pub async fn create_policy(&self, name: &str, sections: &Sections) -> Result<PolicyRow, DirectoryError> {
        let name = text::name(name, 255, "policy_name")?;
        let sections = self.sections(&name, sections)?;
        if self.rows().policies(Slice { offset: 0, limit: 0 }).await?.total >= MOST {
            return Err(DirectoryError::Invalid("too many policies"));
        }
        let now = self.world().now();
        let id = PolicyId::new(now, self.world().random.as_ref());
        let row = PolicyRow { id, name, is_global: false, sections, created: now };
        let mut tx = self.begin().await?;
        tx.insert_policy(&row).await?;
        self.log(&mut tx, "policy_create", &row.name, json!({ "policy_key": id.to_string() })).await?;
        self.tenant_changed(&mut tx).await?;
        tx.commit().await?;
        Ok(row)
    }

    pub(crate) async fn policy(&self, id: PolicyId) -> Result<PolicyRow, DirectoryError> {
        self.rows().policy(id).await?.ok_or(DirectoryError::NotFound("policy"))
    }

    /// Changes a policy's name, or its sections: these and no others.
    pub async fn change_policy(
        &self,
        id: PolicyId,
        name: Option<&str>,
        sections: Option<&Sections>,
    ) -> Result<(), DirectoryError> {
        let before = self.policy(id).await?;
        let name = name.map(|name| text::name(name, 255, "policy_name")).transpose()?;
        let shown = name.as_deref().unwrap_or(&before.name);
        let sections = sections.map(|sections| self.sections(shown, sections)).transpose()?;
        let detail = json!({ "policy_key": id.to_string(), "policy_name": name, "sections": sections });
        let mut tx = self.begin().await?;
        found(tx.change_policy(id, &PolicyChange { name, sections }).await?, "policy")?;
        self.log(&mut tx, "policy_update", &before.name, detail).await?;
        self.tenant_changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a policy; wherever it applied, the next in order does. The global one can't be deleted.
    pub async fn delete_policy(&self, id: PolicyId) -> Result<(), DirectoryError> {
        let policy = self.policy(id).await?;
        if policy.is_global {
            return Err(DirectoryError::Invalid("the global policy can't be deleted"));
        }
        let mut tx = self.begin().await?;
        found(tx.delete_policy(id).await?, "policy")?;
        self.log(&mut tx, "policy_delete", &policy.name, json!({ "policy_key": id.to_string() })).await?;
        self.tenant_changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Applies a policy to a group's members at an integration, at this place in the order: the first that fits a user applies.
    pub async fn apply_to_group(
        &self,
        policy: PolicyId,
        ikey: &str,
        group: GroupId,
        place: i64,
    ) -> Result<(), DirectoryError> {
        let row = self.policy(policy).await?;
        let link = GroupPolicyRow { ikey: ikey.to_owned(), group_id: group, policy, place };
        let mut tx = self.begin().await?;
        found(tx.set_group_policy(&link).await?, "group")?;
        let detail = json!({ "policy_key": policy.to_string(), "integration_key": ikey, "group_id": group.to_string(), "place": place });
        self.log(&mut tx, "policy_apply", &row.name, detail).await?;
        self.application_changed(&mut tx, ikey).await?;
        Ok(tx.commit().await?)
    }

    /// Ends that.
    pub async fn unapply_to_group(&self, ikey: &str, group: GroupId) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        found(tx.remove_group_policy(ikey, group).await?, "policy")?;
        let detail = json!({ "integration_key": ikey, "group_id": group.to_string() });
        self.log(&mut tx, "policy_unapply", ikey, detail).await?;
        self.application_changed(&mut tx, ikey).await?;
        Ok(tx.commit().await?)
    }
}
