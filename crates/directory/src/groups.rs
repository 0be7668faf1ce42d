//! Groups, and who is in them.

use crate::{
    DirectoryError, Scope, Status,
    error::{found, taken},
    scope::{checked, named, short},
    text,
};
use serde_json::json;
use store::{GroupChange, GroupRow};
use types::{GroupId, UserId};

/// The longest name, and description; bytes.
const NAME: usize = 255;

/// A group to be made.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Its name, once in the tenant.
    pub name: String,
    /// For people.
    pub description: String,
    /// What holds for its members.
    pub status: Status,
}

/// A change of a group; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct GroupPatch {
    /// See [`NewGroup::name`].
    pub name: Option<String>,
    /// See [`NewGroup::description`].
    pub description: Option<String>,
    /// See [`NewGroup::status`].
    pub status: Option<Status>,
}

impl Scope<'_> {
    /// Makes a group. [`DirectoryError::Duplicate`] when the name is taken.
    pub async fn create_group(&self, group: &NewGroup) -> Result<GroupRow, DirectoryError> {
        let now = self.world().now();
        let row = GroupRow {
            id: GroupId::new(now, self.world().random.as_ref()),
            name: text::name(&group.name, NAME, "name")?,
            description: text::line(&group.description, NAME, "desc")?,
            status: group.status.as_str().to_owned(),
            created: now,
        };
        let mut tx = self.begin().await?;
        tx.insert_group(&row).await.map_err(taken("group"))?;
        let detail = json!({ "group_id": row.id.to_string(), "status": row.status });
        self.log(&mut tx, "group_create", &row.name, detail).await?;
        tx.commit().await?;
        Ok(row)
    }

    pub(crate) async fn group(&self, id: GroupId) -> Result<GroupRow, DirectoryError> {
        self.rows().group(id).await?.ok_or(DirectoryError::NotFound("group"))
    }

    /// Changes a group.
    pub async fn change_group(&self, id: GroupId, patch: &GroupPatch) -> Result<(), DirectoryError> {
        let change = GroupChange {
            name: checked(patch.name.as_ref(), |name| text::name(name, NAME, "name"))?,
            description: checked(patch.description.as_ref(), short(NAME, "desc"))?,
            status: patch.status.map(|status| status.as_str().to_owned()),
        };
        let before = self.group(id).await?;
        let mut tx = self.begin().await?;
        found(tx.change_group(id, &change).await.map_err(taken("group"))?, "group")?;
        let fields = named(&[("name", change.name.is_some()), ("desc", change.description.is_some())]);
        let detail = json!({ "group_id": id.to_string(), "fields": fields, "status": change.status });
        self.log(&mut tx, "group_update", &before.name, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a group; its members stay.
    pub async fn delete_group(&self, id: GroupId) -> Result<(), DirectoryError> {
        let group = self.group(id).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_group(id).await?, "group")?;
        self.log(&mut tx, "group_delete", &group.name, json!({ "group_id": id.to_string() })).await?;
        // Policies of this group at applications are gone with it.
        self.tenant_changed(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a user a member, who may be one already.
    pub async fn add_to_group(&self, user: UserId, group: GroupId) -> Result<(), DirectoryError> {
        let (row, name) = (self.user(user).await?, self.group(group).await?.name);
        let mut tx = self.begin().await?;
        found(tx.add_member(user, group).await?, "group")?;
        let detail = json!({ "user_id": user.to_string(), "group_id": group.to_string(), "group": name });
        self.log(&mut tx, "group_associate", &row.username, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a membership, which may not be there.
    pub async fn remove_from_group(&self, user: UserId, group: GroupId) -> Result<(), DirectoryError> {
        let (row, name) = (self.user(user).await?, self.group(group).await?.name);
        let mut tx = self.begin().await?;
        if tx.remove_member(user, group).await? {
            let detail = json!({ "user_id": user.to_string(), "group_id": group.to_string(), "group": name });
            self.log(&mut tx, "group_disassociate", &row.username, detail).await?;
        }
        Ok(tx.commit().await?)
    }
}
