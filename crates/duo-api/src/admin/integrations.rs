//! `/admin/v1/integrations`, `v2` and `v3`: the same objects.

use super::{
    desk::{Desk, count, failed, found, ids, refused, slice},
    grants::within_own,
    settings::given,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits, Params},
};
use directory::{FieldKind, INTEGRATION_FIELDS, IntegrationFields, IntegrationPatch, NewIntegration, UserAccess};
use serde_json::{Map, Value};
use store::IntegrationRow;
use types::{GroupId, Normalization, PolicyId, SecretString};

/// Groups named in one integration at most.
const MOST_GROUPS: usize = 100;
/// The type of the tenant's own application for its people's pages, which the engine makes for itself.
const OWN_PAGES: &str = "portal";

/// An integration's object. The secret is in it only where it was just made; else it has a route of its own, which is logged.
fn object(row: &IntegrationRow, secret: Option<&SecretString>) -> Value {
    // A damaged column must not hide the integration.
    let stored: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("integration_key", row.ikey.as_str().into());
    put("name", row.name.as_str().into());
    put("type", row.r#type.as_str().into());
    put("policy_key", row.policy.map(|policy| policy.to_string()).into());
    let simple = row.normalization != "none";
    put("username_normalization_policy", if simple { "Simple" } else { "None" }.into());
    put("signature_v1_accepted", row.signature_v1.into());
    put("created", row.created.seconds().into());
    put("user_access", "ALL_USERS".into());
    put("groups_allowed", Value::Array(Vec::new()));
    for (name, kind) in INTEGRATION_FIELDS {
        match kind {
            // Numbers, as Duo gives them.
            FieldKind::Flag if name.starts_with("adminapi_") && row.r#type == "adminapi" => put(name, 0.into()),
            FieldKind::Text(_) | FieldKind::Lines(_) => put(name, "".into()),
            _ => None,
        };
    }
    put("networks_for_api_access", "".into());
    put("enabled", true.into());
    put("self_service_allowed", false.into());
    for (name, value) in stored {
        let value = match value.as_bool() {
            Some(yes) if name.starts_with("adminapi_") => i64::from(yes).into(),
            _ => value,
        };
        put(&name, value);
    }
    if let Some(secret) = secret {
        put("secret_key", secret.expose().into());
    }
    Value::Object(object)
}

/// A page of the integrations.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let found = desk.rows().integrations(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(found.rows.iter().map(|row| object(row, None)).collect(), count(found.total)))
}

async fn one(desk: &Desk, ikey: &str) -> Result<IntegrationRow, ApiError> {
    found(desk.rows().integration(ikey).await)
}

/// Gives an integration's object, without its secret.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let row = one(&Desk::of(&call), call.part(0)).await?;
    Ok(Envelope::ok(object(&row, None)))
}

/// Gives the secret key, and notes that it was shown.
pub(super) async fn secret(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = one(&desk, call.part(0)).await?;
    held_by_caller(&call, &row)?;
    let secret = desk.scope().integration_secret(&row.ikey).await.map_err(refused)?;
    let mut response = Map::new();
    response.insert("secret_key".to_owned(), secret.expose().into());
    Ok(Envelope::ok(Value::Object(response)))
}

/// Whoever has the secret key of an integration has its grants. That of a person's own pages is nobody's.
fn held_by_caller(call: &Call, row: &IntegrationRow) -> Result<(), ApiError> {
    if row.r#type == OWN_PAGES {
        return Err(ApiError::wrong_integration_type());
    }
    // Who could take another administrator's key would be two administrators.
    if row.r#type == "adminapi" && row.ikey != call.app.ikey {
        return Err(ApiError::forbidden(
            "the secret of another Admin API integration is neither shown nor changed here",
        ));
    }
    let Ok(stored) = serde_json::from_str(&row.settings) else { return Err(ApiError::internal()) };
    within_own(call, &stored)
}

/// What both making and changing can set.
struct Given {
    normalization: Option<Normalization>,
    signature_v1: Option<bool>,
    access: Option<UserAccess>,
    groups: Option<Vec<GroupId>>,
    policy: Option<Option<PolicyId>>,
    fields: IntegrationFields,
}

fn read(call: &Call, params: &Params) -> Result<Given, ApiError> {
    // Accepted and not enforced, it would be a promise that nobody keeps.
    if params.filled("networks_for_api_access")?.is_some() {
        return Err(ApiError::invalid_parameter("networks_for_api_access"));
    }
    let mut fields = IntegrationFields::default();
    let mut wanted = Map::new();
    for field in INTEGRATION_FIELDS {
        let Some(value) = given(params, *field)? else { continue };
        // An empty word takes nothing away; it says nothing.
        if matches!(field.1, FieldKind::Word(_)) && value.as_str() == Some("") {
            continue;
        }
        fields.set(field.0, &value).map_err(refused)?;
        wanted.insert(field.0.to_owned(), value);
    }
    within_own(call, &wanted)?;
    let normalization = match params.filled("username_normalization_policy")? {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("none") => Some(Normalization::None),
        Some(text) if text.eq_ignore_ascii_case("simple") => Some(Normalization::Simple),
        Some(_) => return Err(ApiError::invalid_parameter("username_normalization_policy")),
    };
    let policy = match params.text("policy_key")? {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(text.parse().map_err(|_| ApiError::invalid_parameter("policy_key"))?)),
    };
    let groups = ids(params, "groups_allowed", MOST_GROUPS)?;
    let said = params.filled("user_access")?.map(|text| text.parse().map_err(refused)).transpose()?;
    // The older way: groups alone mean that only they may.
    let by_groups = groups.as_ref().filter(|groups| !groups.is_empty()).map(|_| UserAccess::PermittedGroups);
    Ok(Given {
        normalization,
        signature_v1: params.bool("signature_v1_accepted")?,
        access: said.or(by_groups),
        groups,
        policy,
        fields,
    })
}

/// Makes an integration; parameters as the object's fields. Gives the object with the secret key.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let given = read(&call, &call.params)?;
    if call.params.required("type")?.trim().eq_ignore_ascii_case(OWN_PAGES) {
        return Err(ApiError::invalid_parameter("type"));
    }
    let new = NewIntegration {
        name: call.params.required("name")?.to_owned(),
        r#type: call.params.required("type")?.to_owned(),
        keys: None,
        signature_v1: given.signature_v1,
        normalization: given.normalization.unwrap_or_default(),
        access: given.access.unwrap_or_default(),
        groups: given.groups.unwrap_or_default(),
        policy: given.policy.flatten(),
        fields: given.fields,
    };
    let (row, keys) = desk.scope().create_integration(&new).await.map_err(refused)?;
    Ok(Envelope::ok(object(&row, Some(keys.secret.text()))))
}

/// Changes an integration and gives the new object; with `reset_secret_key` the new secret key too.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let before = one(&desk, call.part(0)).await?;
    let given = read(&call, &call.params)?;
    let reset = call.params.bool("reset_secret_key")?.unwrap_or(false);
    if reset {
        held_by_caller(&call, &before)?;
    }
    let patch = IntegrationPatch {
        name: call.params.filled("name")?.map(ToOwned::to_owned),
        signature_v1: given.signature_v1,
        normalization: given.normalization,
        access: given.access,
        groups: given.groups,
        policy: given.policy,
        fields: given.fields,
    };
    desk.scope().change_integration(&before.ikey, &patch).await.map_err(refused)?;
    let secret = if reset { Some(desk.scope().reset_secret(&before.ikey).await.map_err(refused)?) } else { None };
    call.auth().applications().forget(&before.ikey);
    let row = one(&desk, &before.ikey).await?;
    Ok(Envelope::ok(object(&row, secret.as_ref().map(directory::Secret::text))))
}

/// Deletes an integration.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let ikey = call.part(0);
    desk.scope().delete_integration(ikey).await.map_err(refused)?;
    call.auth().applications().forget(ikey);
    Ok(Envelope::ok(""))
}
