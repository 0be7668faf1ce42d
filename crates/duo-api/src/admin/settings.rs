//! `/admin/v1/settings`.

use super::desk::{Desk, refused};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, Params},
};
use ::auth::Settings;
use directory::{Field, FieldKind, SETTINGS_FIELDS, SettingsFields};
use serde_json::Value;

/// The value of a field as a request gives it; nothing where it doesn't.
pub(super) fn given(params: &Params, (name, kind): Field) -> Result<Option<Value>, ApiError> {
    Ok(match kind {
        FieldKind::Flag => params.bool(name)?.map(Value::Bool),
        FieldKind::Number(..) => params.int(name, 0..=i64::MAX)?.map(Value::from),
        FieldKind::Text(_) | FieldKind::Lines(_) | FieldKind::Word(_) | FieldKind::Color | FieldKind::Png(_) => {
            params.text(name)?.map(Value::from)
        }
        FieldKind::List(most) => params.list(name, most)?.map(Value::from),
        FieldKind::Json(_) | FieldKind::Object(_) => params.nested(name)?.map(std::borrow::Cow::into_owned),
    })
}

async fn shown(desk: &Desk) -> Result<Envelope, ApiError> {
    let row = desk.scope().row().await.map_err(refused)?;
    let broken = |error: serde_json::Error| {
        tracing::error!(%error, "stored settings can't be read");
        ApiError::internal()
    };
    let settings = Settings::parse(&row.settings).map_err(broken)?;
    let mut object = serde_json::to_value(settings).map_err(broken)?;
    if let Some(object) = object.as_object_mut() {
        object.entry("name").or_insert_with(|| row.name.clone().into());
        object.insert("api_hostname".to_owned(), row.api_host.into());
    }
    Ok(Envelope::ok(object))
}

/// All settings, those at their defaults too.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    shown(&Desk::of(&call)).await
}

/// Sets those that are named and gives all.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let mut fields = SettingsFields::default();
    for field in SETTINGS_FIELDS {
        if let Some(value) = given(&call.params, *field)? {
            fields.set(field.0, &value).map_err(refused)?;
        }
    }
    if fields.is_empty() {
        return Err(ApiError::missing_parameter("no setting was given"));
    }
    desk.scope().change_settings(&fields).await.map_err(refused)?;
    let tenant = call.app.tenant;
    // The notice does the same on every node, a moment later; the caller reads its own change at once.
    call.auth().applications().forget_tenant(tenant);
    shown(&desk).await
}
