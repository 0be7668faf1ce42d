//! `/admin/v2/policies`.

use super::desk::{Desk, checks, count, failed, found, part, refused, slice};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};
use directory::{IntegrationPatch, Sections};
use serde_json::{Map, Value};
use store::{PolicyRow, Slice};
use types::{GroupId, PolicyId};

/// Names, keys or groups in one list at most.
const MOST: usize = 100;

/// A policy's object.
pub(super) fn object(row: &PolicyRow) -> Value {
    let mut object = Map::new();
    object.insert("policy_key".to_owned(), row.id.to_string().into());
    object.insert("policy_name".to_owned(), row.name.as_str().into());
    object.insert("is_global_policy".to_owned(), row.is_global.into());
    object.insert("sections".to_owned(), Value::Object(sections_of(row)));
    Value::Object(object)
}

/// A stored policy's sections.
pub(super) fn sections_of(row: &PolicyRow) -> Sections {
    serde_json::from_str(&row.sections).unwrap_or_default()
}

/// A page of the policies.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let page = OffsetPage::read(&call.params, PageLimits::OBJECTS)?;
    let found = Desk::of(&call).rows().policies(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(found.rows.iter().map(object).collect(), count(found.total)))
}

/// Gives a policy.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    shown(&Desk::of(&call), part(&call, 0)?).await
}

/// Gives the policy that applies where no other says anything.
pub(super) async fn global(call: Call) -> Result<Envelope, ApiError> {
    Ok(Envelope::ok(object(&found(Desk::of(&call).rows().global_policy().await)?)))
}

async fn shown(desk: &Desk, id: PolicyId) -> Result<Envelope, ApiError> {
    Ok(Envelope::ok(object(&found(desk.rows().policy(id).await)?)))
}

fn sections(call: &Call) -> Result<Option<Sections>, ApiError> {
    let Some(given) = call.params.nested("sections")? else { return Ok(None) };
    given.as_object().cloned().map(Some).ok_or_else(|| ApiError::invalid_parameter("sections"))
}

/// To what a policy shall apply.
struct Applied {
    apps: Vec<String>,
    groups: Vec<(String, GroupId)>,
}

/// Texts of a JSON list.
fn texts(value: &Value, name: &'static str) -> Result<Vec<String>, ApiError> {
    let invalid = || ApiError::invalid_parameter(name);
    let list = value.as_array().filter(|list| list.len() <= MOST).ok_or_else(invalid)?;
    list.iter().map(|text| text.as_str().map(ToOwned::to_owned).ok_or_else(invalid)).collect()
}

/// Reads `apply_to_apps` (keys) and `apply_to_groups_in_apps` (objects of `group_id_list` and `apply_to_apps`); all must be there.
async fn applied(call: &Call, desk: &Desk) -> Result<Applied, ApiError> {
    const APPS: &str = "apply_to_apps";
    const GROUPS: &str = "apply_to_groups_in_apps";
    let apps = call.params.list(APPS, MOST)?.unwrap_or_default();
    let mut groups = Vec::new();
    if let Some(given) = call.params.nested(GROUPS)? {
        let invalid = || ApiError::invalid_parameter(GROUPS);
        for one in given.as_array().filter(|list| list.len() <= MOST).ok_or_else(invalid)? {
            let ids = texts(one.get("group_id_list").ok_or_else(invalid)?, GROUPS)?;
            for app in texts(one.get(APPS).ok_or_else(invalid)?, GROUPS)? {
                for id in &ids {
                    groups.push((app.clone(), id.parse().map_err(|_| invalid())?));
                }
            }
        }
        if groups.len() > MOST {
            return Err(invalid());
        }
    }
    for ikey in apps.iter().chain(groups.iter().map(|(ikey, _)| ikey)) {
        found(desk.rows().integration(ikey).await)?;
    }
    for (_, group) in &groups {
        found(desk.rows().group(*group).await)?;
    }
    Ok(Applied { apps, groups })
}

async fn apply(call: &Call, desk: &Desk, id: PolicyId, to: Applied) -> Result<(), ApiError> {
    for ikey in to.apps {
        let patch = IntegrationPatch { policy: Some(Some(id)), ..IntegrationPatch::default() };
        desk.scope().change_integration(&ikey, &patch).await.map_err(refused)?;
    }
    for (ikey, group) in to.groups {
        let there = desk.rows().group_policies(&ikey).await.map_err(|error| failed(&error))?;
        let last = there.iter().map(|link| link.place + 1).max().unwrap_or(0);
        let place = there.iter().find(|link| link.group_id == group).map_or(last, |link| link.place);
        desk.scope().apply_to_group(id, &ikey, group, place).await.map_err(refused)?;
    }
    call.auth().applications().forget_tenant(call.app.tenant);
    Ok(())
}

/// Parameters: `policy_name`, `sections`, and to what it applies.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let to = applied(&call, &desk).await?;
    let given = sections(&call)?.unwrap_or_default();
    let row = desk.scope().create_policy(call.params.required("policy_name")?, &given).await.map_err(refused)?;
    apply(&call, &desk, row.id, to).await?;
    Ok(Envelope::ok(object(&row)))
}

/// Parameters: `policy_name`, `sections` (each takes the place of the one there), `sections_to_delete`, and to what it applies.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let before = found(desk.rows().policy(id).await)?;
    let to = applied(&call, &desk).await?;
    let (given, gone) = (sections(&call)?, call.params.list("sections_to_delete", MOST)?);
    let after = (given.is_some() || gone.is_some())
        .then(|| merged(sections_of(&before), given.unwrap_or_default(), &gone.unwrap_or_default()));
    desk.scope().change_policy(id, call.params.filled("policy_name")?, after.as_ref()).await.map_err(refused)?;
    apply(&call, &desk, id, to).await?;
    shown(&desk, id).await
}

fn merged(mut now: Sections, given: Sections, gone: &[String]) -> Sections {
    now.retain(|name, _| !gone.iter().any(|gone| gone == name));
    now.extend(given);
    now
}

/// Deletes a policy.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_policy(part(&call, 0)?).await.map_err(refused)?;
    call.auth().applications().forget_tenant(call.app.tenant);
    Ok(Envelope::ok(""))
}

/// Parameters: `policy_key`, and `new_policy_names_list`: a copy for each name.
pub(super) async fn copy(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = super::desk::id(&call.params, "policy_key")?;
    let original = found(desk.rows().policy(id).await)?;
    const NAMES: &str = "new_policy_names_list";
    let names = call.params.list(NAMES, MOST)?.ok_or_else(|| ApiError::missing_parameter(NAMES))?;
    let mut copies = Vec::with_capacity(names.len());
    for name in names {
        let row = desk.scope().create_policy(&name, &sections_of(&original)).await.map_err(refused)?;
        copies.push(object(&row));
    }
    Ok(Envelope::ok(copies))
}

/// Parameters: `policies_to_update` (`edit_all_policies` or `edit_list`) and `policy_changes` (`sections`, `sections_to_delete`).
pub(super) async fn update(call: Call) -> Result<Envelope, ApiError> {
    const WHICH: &str = "policies_to_update";
    const WHAT: &str = "policy_changes";
    let desk = Desk::of(&call);
    let which = call.params.nested(WHICH)?.ok_or_else(|| ApiError::missing_parameter(WHICH))?;
    let what = call.params.nested(WHAT)?.ok_or_else(|| ApiError::missing_parameter(WHAT))?;
    let given = what.get("sections").and_then(Value::as_object).cloned().unwrap_or_default();
    let gone = what.get("sections_to_delete").map(|list| texts(list, WHAT)).transpose()?.unwrap_or_default();
    // Sections are read one by one, so what is refused is refused before any policy is changed.
    (checks().policy)("change", &Value::Object(given.clone()).to_string()).map_err(ApiError::invalid_parameter)?;
    let rows = if which.get("edit_all_policies").and_then(Value::as_bool) == Some(true) {
        let all = Slice { offset: 0, limit: ::auth::application::MOST_POLICIES };
        desk.rows().policies(all).await.map_err(|error| failed(&error))?.rows
    } else {
        let mut rows = Vec::new();
        for key in which.get("edit_list").map(|list| texts(list, WHICH)).transpose()?.unwrap_or_default() {
            let id = key.parse().map_err(|_| ApiError::invalid_parameter(WHICH))?;
            rows.push(found(desk.rows().policy(id).await)?);
        }
        rows
    };
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let after = merged(sections_of(&row), given.clone(), &gone);
        desk.scope().change_policy(row.id, None, Some(&after)).await.map_err(refused)?;
        objects.push(object(&found(desk.rows().policy(row.id).await)?));
    }
    call.auth().applications().forget_tenant(call.app.tenant);
    Ok(Envelope::ok(objects))
}
