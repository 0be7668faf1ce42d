//! `/admin/v1/groups` and `/admin/v2/groups`.

use super::{
    desk::{Desk, count, failed, found, ids, part, refused, slice},
    objects,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};
use directory::{GroupPatch, NewGroup, Status};
use serde_json::Value;
use store::Slice;
use types::GroupId;

/// Groups named at once at most.
const MOST: usize = 100;
/// Members that the first version of a group's object shows; the second has a list of them.
const MEMBERS_SHOWN: i64 = 1000;

/// Parameters: `limit`, `offset`; or `group_id_list`.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    if let Some(ids) = ids(&call.params, "group_id_list", MOST)? {
        let mut rows = Vec::new();
        for id in ids {
            rows.extend(desk.rows().group(id).await.map_err(|error| failed(&error))?);
        }
        let (rows, total) = super::desk::cut(rows, page);
        return Ok(page.reply(rows.iter().map(objects::group).collect(), total));
    }
    let found = desk.rows().groups(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(found.rows.iter().map(objects::group).collect(), count(found.total)))
}

fn status(call: &Call) -> Result<Option<Status>, ApiError> {
    call.params.filled("status")?.map(|text| text.parse().map_err(refused)).transpose()
}

/// Parameters: `name`, `desc`, `status`.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let new = NewGroup {
        name: call.params.required("name")?.to_owned(),
        description: call.params.text("desc")?.unwrap_or_default().to_owned(),
        status: status(&call)?.unwrap_or_default(),
    };
    Ok(Envelope::ok(objects::group(&desk.scope().create_group(&new).await.map_err(refused)?)))
}

async fn one(desk: &Desk, id: GroupId) -> Result<Value, ApiError> {
    Ok(objects::group(&found(desk.rows().group(id).await)?))
}

/// A group without its members.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    Ok(Envelope::ok(one(&desk, part(&call, 0)?).await?))
}

/// A group with its first thousand members.
pub(super) async fn get_with_users(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let mut object = one(&desk, id).await?;
    let members = desk.rows().members(id, Slice { offset: 0, limit: MEMBERS_SHOWN }).await;
    let members = members.map_err(|error| failed(&error))?;
    if let Some(object) = object.as_object_mut() {
        object.insert("users".to_owned(), members.rows.iter().map(objects::member).collect());
    }
    Ok(Envelope::ok(object))
}

/// A page of a group's members.
pub(super) async fn users(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let (id, page) = (part(&call, 0)?, OffsetPage::read(&call.params, PageLimits::MORE)?);
    found(desk.rows().group(id).await)?;
    let members = desk.rows().members(id, slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(members.rows.iter().map(objects::member).collect(), count(members.total)))
}

/// Changes a group and gives the new object.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let patch = GroupPatch {
        name: call.params.filled("name")?.map(ToOwned::to_owned),
        description: call.params.text("desc")?.map(ToOwned::to_owned),
        status: status(&call)?,
    };
    desk.scope().change_group(id, &patch).await.map_err(refused)?;
    Ok(Envelope::ok(one(&desk, id).await?))
}

/// Deletes a group; its members stay.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_group(part(&call, 0)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}
