//! `/admin/v1/users`.

use super::{
    desk::{Desk, count, failed, found, ids, part, refused, slice},
    objects, user_params,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, Limits, OffsetPage, PageLimits, Params},
};
use directory::NewUser;
use serde_json::Value;
use store::UserRow;
use types::{Normalization, UserId, UserName};

/// Users named at once at most.
const MOST: usize = 100;

/// Parameters: `limit`, `offset`; or `username` (a name or an alias), `email`, `username_list`, `user_id_list`.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::OBJECTS)?;
    let params = &call.params;
    let named = match (params.text("username")?, params.list("username_list", MOST)?) {
        (Some(name), _) => Some(vec![name.to_owned()]),
        (None, names) => names,
    };
    let rows = if let Some(names) = named {
        by_names(&desk, &names).await?
    } else if let Some(ids) = ids::<types::id::UserKind>(params, "user_id_list", MOST)? {
        by_ids(&desk, &ids).await?
    } else {
        let email = params.text("email")?;
        let found = desk.rows().users(email, slice(page)).await.map_err(|error| failed(&error))?;
        let shown = objects::users(&call, &desk, &found.rows).await?;
        return Ok(page.reply(shown, count(found.total)));
    };
    let (rows, total) = super::desk::cut(rows, page);
    Ok(page.reply(objects::users(&call, &desk, &rows).await?, total))
}

async fn by_names(desk: &Desk, names: &[String]) -> Result<Vec<UserRow>, ApiError> {
    let mut rows: Vec<UserRow> = Vec::new();
    for name in names {
        // A text that can't be a name is nobody's.
        let Ok(name) = UserName::new(name, Normalization::None) else { continue };
        let row = desk.rows().user_by_name(&name).await.map_err(|error| failed(&error))?;
        rows.extend(row.filter(|row| rows.iter().all(|other| other.id != row.id)));
    }
    Ok(rows)
}

async fn by_ids(desk: &Desk, ids: &[UserId]) -> Result<Vec<UserRow>, ApiError> {
    let mut rows: Vec<UserRow> = Vec::new();
    for id in ids {
        let row = desk.rows().user(*id).await.map_err(|error| failed(&error))?;
        rows.extend(row.filter(|row| rows.iter().all(|other| other.id != row.id)));
    }
    Ok(rows)
}

/// Gives a user's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    shown(&call, &desk, part(&call, 0)?).await
}

async fn shown(call: &Call, desk: &Desk, id: UserId) -> Result<Envelope, ApiError> {
    let row = found(desk.rows().user(id).await)?;
    Ok(Envelope::ok(objects::user(call, desk, row).await?))
}

/// Makes a user; parameters as the object's fields.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let new = user_params::new(&call.params)?;
    let row = desk.scope().create_user(&new).await.map_err(refused)?;
    Ok(Envelope::ok(objects::user(&call, &desk, row).await?))
}

/// Parameter `users`: a JSON list of at most 100 users. All are made, or none.
pub(super) async fn bulk_create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let invalid = || ApiError::invalid_parameter("users");
    let users = call.params.nested("users")?.ok_or_else(|| ApiError::missing_parameter("users"))?;
    let users = users.as_array().filter(|users| (1..=MOST).contains(&users.len())).ok_or_else(invalid)?;
    let new: Vec<NewUser> = users.iter().map(one_of_many).collect::<Result<_, _>>()?;
    let rows = desk.scope().create_users(&new).await.map_err(refused)?;
    Ok(Envelope::ok(objects::users(&call, &desk, &rows).await?))
}

/// One user of a list has the same fields as a request.
fn one_of_many(user: &Value) -> Result<NewUser, ApiError> {
    let invalid = || ApiError::invalid_parameter("users");
    let text = user.as_object().ok_or_else(invalid)?;
    let text = serde_json::to_vec(text).map_err(|_| invalid())?;
    user_params::new(&Params::from_json(&text, &Limits::DEFAULT).map_err(|_| invalid())?)
}

/// Changes a user and gives the new object. What is not named stays.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let before = found(desk.rows().user(id).await)?;
    let mut patch = user_params::patch(&call.params, &before.attributes)?;
    let aliases = user_params::aliases(&call.params)?;
    if aliases.is_some() {
        let names = desk.rows().user_names(&[id]).await.map_err(|error| failed(&error))?;
        let now = names.into_iter().filter(|(_, name)| name.place > 0).map(|(_, name)| name.name).collect();
        patch.aliases = Some(aliases.apply(now));
    }
    desk.scope().change_user(id, &patch).await.map_err(refused)?;
    shown(&call, &desk, id).await
}

/// Deletes a user at once: what the Admin API deletes at Duo can't be restored either.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_user(part(&call, 0)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

/// Parameter `user_id_list`: these go to the trash, from which they can be restored for some days.
pub(super) async fn bulk_send_to_trash(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    for id in named(&call, &desk).await? {
        desk.scope().trash_user(id).await.map_err(refused)?;
    }
    Ok(Envelope::ok(""))
}

/// Parameter `user_id_list`: these come back from the trash.
pub(super) async fn bulk_restore(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    for id in named(&call, &desk).await? {
        desk.scope().restore_user(id).await.map_err(refused)?;
    }
    Ok(Envelope::ok(""))
}

/// The users of `user_id_list`; all must be there before anything is done to any.
async fn named(call: &Call, desk: &Desk) -> Result<Vec<UserId>, ApiError> {
    let ids = ids(&call.params, "user_id_list", MOST)?.ok_or_else(|| ApiError::missing_parameter("user_id_list"))?;
    for id in &ids {
        found(desk.rows().user(*id).await)?;
    }
    Ok(ids)
}
