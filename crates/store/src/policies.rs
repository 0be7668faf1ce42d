//! Policies, and which of them apply to an integration's groups.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{GroupId, Millis, PolicyId};

record! {
    /// A named policy.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PolicyRow {
        /// Its id.
        pub id: PolicyId,
        /// For people.
        pub name: String,
        /// Whether it applies where no other says anything; a tenant has one.
        pub is_global: bool,
        /// Its rules, as JSON.
        pub sections: String,
        /// When it was made.
        pub created: Millis,
    }
}

record! {
    /// A policy for the members of one group at one integration.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GroupPolicyRow {
        /// The integration.
        pub ikey: String,
        /// The group.
        pub group_id: GroupId,
        /// The policy.
        pub policy: PolicyId,
        /// Its place in the order; the first that fits a user applies.
        pub place: i64,
    }
}

/// A change of a policy; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// See [`PolicyRow::name`].
    pub name: Option<String>,
    /// See [`PolicyRow::sections`].
    pub sections: Option<String>,
}

macro_rules! columns {
    () => {
        "id, name, is_global, sections, created"
    };
}

static BY_ID: Statement = Statement::new(
    "policy_by_id",
    concat!("SELECT ", columns!(), " FROM policy WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static GLOBAL: Statement = Statement::new(
    "policy_global",
    concat!("SELECT ", columns!(), " FROM policy WHERE tenant = $1 AND is_global = 1"),
    &[Type::Id],
);
static PAGE: Statement = Statement::new(
    "policy_page",
    concat!("SELECT ", columns!(), " FROM policy WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new("policy_count", "SELECT COUNT(*) FROM policy WHERE tenant = $1", &[Type::Id]);
static INSERT: Statement = Statement::new(
    "policy_insert",
    concat!("INSERT INTO policy (tenant, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6)"),
    &[Type::Id, Type::Id, Type::Text, Type::Int, Type::Text, Type::Int],
);
static CHANGE: Statement = Statement::new(
    "policy_change",
    "UPDATE policy SET name = COALESCE($3, name), sections = COALESCE($4, sections) WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text],
);
static DELETE: Statement = Statement::new(
    "policy_delete",
    "DELETE FROM policy WHERE tenant = $1 AND id = $2 AND is_global = 0 RETURNING id",
    &[Type::Id, Type::Id],
);
static UNLINK_INTEGRATIONS: Statement = Statement::new(
    "policy_unlink_integrations",
    "UPDATE integration SET policy = NULL WHERE tenant = $1 AND policy = $2",
    &[Type::Id, Type::Id],
);
static UNLINK_GROUPS: Statement = Statement::new(
    "policy_unlink_groups",
    "DELETE FROM group_policy WHERE tenant = $1 AND policy = $2",
    &[Type::Id, Type::Id],
);
static GROUPS_OF_INTEGRATION: Statement = Statement::new(
    "policy_groups_of_integration",
    "SELECT ikey, group_id, policy, place FROM group_policy WHERE tenant = $1 AND ikey = $2 ORDER BY place, group_id",
    &[Type::Id, Type::Text],
);
static GROUPS_OF_POLICY: Statement = Statement::new(
    "policy_groups_of_policy",
    "SELECT ikey, group_id, policy, place FROM group_policy WHERE tenant = $1 AND policy = $2 ORDER BY ikey, place, group_id",
    &[Type::Id, Type::Id],
);
// Integration, group and policy must all be this tenant's.
static SET_GROUP: Statement = Statement::new(
    "policy_set_group",
    "INSERT INTO group_policy (tenant, ikey, group_id, policy, place) \
     SELECT integration.tenant, integration.ikey, groups.id, policy.id, CAST($5 AS BIGINT) FROM integration \
     JOIN groups ON groups.tenant = integration.tenant AND groups.id = $3 \
     JOIN policy ON policy.tenant = integration.tenant AND policy.id = $4 \
     WHERE integration.tenant = $1 AND integration.ikey = $2 \
     ON CONFLICT (tenant, ikey, group_id) DO UPDATE SET policy = excluded.policy, place = excluded.place RETURNING ikey",
    &[Type::Id, Type::Text, Type::Id, Type::Id, Type::Int],
);
static REMOVE_GROUP: Statement = Statement::new(
    "policy_remove_group",
    "DELETE FROM group_policy WHERE tenant = $1 AND ikey = $2 AND group_id = $3 RETURNING ikey",
    &[Type::Id, Type::Text, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &GLOBAL,
    &PAGE,
    &COUNT,
    &INSERT,
    &CHANGE,
    &DELETE,
    &UNLINK_INTEGRATIONS,
    &UNLINK_GROUPS,
    &GROUPS_OF_INTEGRATION,
    &GROUPS_OF_POLICY,
    &SET_GROUP,
    &REMOVE_GROUP,
];

impl Tenant<'_> {
    /// A policy by id.
    pub async fn policy(&self, id: PolicyId) -> Result<Option<PolicyRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The policy that applies where no other says anything.
    pub async fn global_policy(&self) -> Result<Option<PolicyRow>, StoreError> {
        self.find(&GLOBAL, Vec::new()).await
    }

    /// A page of the policies in the order of their making.
    pub async fn policies(&self, slice: Slice) -> Result<Page<PolicyRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// The policies of groups at an integration, in their order: the first whose group a user is in applies.
    pub async fn group_policies(&self, ikey: &str) -> Result<Vec<GroupPolicyRow>, StoreError> {
        self.list(&GROUPS_OF_INTEGRATION, values![ikey]).await
    }

    /// Where a policy applies to a group.
    pub async fn group_policies_of(&self, policy: PolicyId) -> Result<Vec<GroupPolicyRow>, StoreError> {
        self.list(&GROUPS_OF_POLICY, values![policy]).await
    }
}

impl Tx {
    /// Makes a policy. [`StoreError::Duplicate`] for a second global one.
    pub async fn insert_policy(&mut self, policy: &PolicyRow) -> Result<(), StoreError> {
        self.run(&INSERT, policy.values()).await.map(drop)
    }

    /// Changes a policy. Whether there is such a one.
    pub async fn change_policy(&mut self, policy: PolicyId, change: &PolicyChange) -> Result<bool, StoreError> {
        let PolicyChange { name, sections } = change.clone();
        self.changed(&CHANGE, values![policy, name, sections]).await
    }

    /// Deletes a policy; wherever it applied, the next in order does. Whether there was such a one that is not the global one,
    /// which stays.
    pub async fn delete_policy(&mut self, policy: PolicyId) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![policy]).await? {
            return Ok(false);
        }
        self.run(&UNLINK_INTEGRATIONS, values![policy]).await?;
        self.run(&UNLINK_GROUPS, values![policy]).await?;
        Ok(true)
    }

    /// Applies a policy to a group at an integration, at this place in the order. Whether all three exist.
    pub async fn set_group_policy(&mut self, link: &GroupPolicyRow) -> Result<bool, StoreError> {
        self.changed(&SET_GROUP, link.values()).await
    }

    /// Ends that. Whether a policy applied.
    pub async fn remove_group_policy(&mut self, ikey: &str, group: GroupId) -> Result<bool, StoreError> {
        self.changed(&REMOVE_GROUP, values![ikey, group]).await
    }
}
