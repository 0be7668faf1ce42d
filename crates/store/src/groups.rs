//! Groups: sets of users that policy speaks of.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{GroupId, Millis, UserId};

record! {
    /// A group.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GroupRow {
        /// Its id.
        pub id: GroupId,
        /// Its name, once in a tenant.
        pub name: String,
        /// For people.
        pub description: String,
        /// `active`, `bypass` or `disabled`.
        pub status: String,
        /// When it was made.
        pub created: Millis,
    }
}

/// A change of a group; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// See [`GroupRow::name`].
    pub name: Option<String>,
    /// See [`GroupRow::description`].
    pub description: Option<String>,
    /// See [`GroupRow::status`].
    pub status: Option<String>,
}

macro_rules! columns {
    () => {
        "id, name, description, status, created"
    };
}

static BY_ID: Statement = Statement::new(
    "group_by_id",
    concat!("SELECT ", columns!(), " FROM groups WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static BY_NAME: Statement = Statement::new(
    "group_by_name",
    concat!("SELECT ", columns!(), " FROM groups WHERE tenant = $1 AND name = $2"),
    &[Type::Id, Type::Text],
);
static PAGE: Statement = Statement::new(
    "group_page",
    concat!("SELECT ", columns!(), " FROM groups WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new("group_count", "SELECT COUNT(*) FROM groups WHERE tenant = $1", &[Type::Id]);
static OF_USERS: Statement = Statement::new(
    "group_of_users",
    concat!(
        "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, ",
        columns!(),
        " FROM input JOIN membership ON membership.tenant = input.tenant AND membership.user_id = input.owner \
         JOIN groups ON groups.tenant = membership.tenant AND groups.id = membership.group_id ORDER BY owner, id"
    ),
    &[Type::Id, Type::Id],
);
static INSERT: Statement = Statement::new(
    "group_insert",
    "INSERT INTO groups (tenant, id, name, description, status, created) VALUES ($1, $2, $3, $4, $5, $6)",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Text, Type::Int],
);
static CHANGE: Statement = Statement::new(
    "group_change",
    "UPDATE groups SET name = COALESCE($3, name), description = COALESCE($4, description), status = COALESCE($5, status) \
     WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Text],
);
static DELETE: Statement = Statement::new(
    "group_delete",
    "DELETE FROM groups WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static DELETE_MEMBERSHIPS: Statement = Statement::new(
    "group_delete_memberships",
    "DELETE FROM membership WHERE tenant = $1 AND group_id = $2",
    &[Type::Id, Type::Id],
);
static DELETE_POLICIES: Statement = Statement::new(
    "group_delete_policies",
    "DELETE FROM group_policy WHERE tenant = $1 AND group_id = $2",
    &[Type::Id, Type::Id],
);
// Both must be this tenant's. A conflict is no change but gives the row, so that "was there" and "no such user" differ.
static ADD: Statement = Statement::new(
    "group_add_member",
    "INSERT INTO membership (tenant, user_id, group_id) SELECT users.tenant, users.id, groups.id FROM users \
     JOIN groups ON groups.tenant = users.tenant AND groups.id = $3 WHERE users.tenant = $1 AND users.id = $2 \
     ON CONFLICT (tenant, user_id, group_id) DO UPDATE SET group_id = excluded.group_id RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);
static REMOVE: Statement = Statement::new(
    "group_remove_member",
    "DELETE FROM membership WHERE tenant = $1 AND user_id = $2 AND group_id = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &BY_NAME,
    &PAGE,
    &COUNT,
    &OF_USERS,
    &INSERT,
    &CHANGE,
    &DELETE,
    &DELETE_MEMBERSHIPS,
    &DELETE_POLICIES,
    &ADD,
    &REMOVE,
];

impl Tenant<'_> {
    /// A group by id.
    pub async fn group(&self, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A group by its exact name.
    pub async fn group_by_name(&self, name: &str) -> Result<Option<GroupRow>, StoreError> {
        self.find(&BY_NAME, values![name]).await
    }

    /// A page of the groups in the order of their making. A group's members: [`Tenant::members`].
    pub async fn groups(&self, slice: Slice) -> Result<Page<GroupRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// The groups of each of these users.
    pub async fn groups_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, GroupRow)>, StoreError> {
        self.of_each(&OF_USERS, users).await
    }
}

impl Tx {
    /// Makes a group. [`StoreError::Duplicate`] when the name is taken.
    pub async fn insert_group(&mut self, group: &GroupRow) -> Result<(), StoreError> {
        self.run(&INSERT, group.values()).await.map(drop)
    }

    /// Changes a group. Whether there is such a group; [`StoreError::Duplicate`] when the name is taken.
    pub async fn change_group(&mut self, group: GroupId, change: &GroupChange) -> Result<bool, StoreError> {
        let GroupChange { name, description, status } = change.clone();
        self.changed(&CHANGE, values![group, name, description, status]).await
    }

    /// Deletes a group, its memberships and what policies say of it. Whether there was such a group.
    pub async fn delete_group(&mut self, group: GroupId) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![group]).await? {
            return Ok(false);
        }
        self.run(&DELETE_MEMBERSHIPS, values![group]).await?;
        self.run(&DELETE_POLICIES, values![group]).await?;
        Ok(true)
    }

    /// Makes a user a member, who may be one already. Whether both exist.
    pub async fn add_member(&mut self, user: UserId, group: GroupId) -> Result<bool, StoreError> {
        self.changed(&ADD, values![user, group]).await
    }

    /// Ends a membership. Whether there was one.
    pub async fn remove_member(&mut self, user: UserId, group: GroupId) -> Result<bool, StoreError> {
        self.changed(&REMOVE, values![user, group]).await
    }
}
