//! `/admin/v1/phones`.

use super::{
    desk::{Desk, announce, announce_removals, count, cut, failed, found, part, refused, slice},
    grants, objects,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits, Params},
};
use directory::{NewPhone, PhonePatch};
use types::{E164, PhoneId};

/// A number as it was given: international, or not at all.
fn number(text: &str) -> Result<E164, ApiError> {
    text.parse().map_err(|_| ApiError::invalid_parameter("number"))
}

/// Parameters: `limit`, `offset`; or `number` and `extension`.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    if let Some(wanted) = call.params.filled("number")? {
        let extension = call.params.text("extension")?.unwrap_or_default();
        let (wanted, in_bulk) = (number(wanted)?, grants::reads_numbers(&call));
        let found = desk.scope().phone_by_number(&wanted, extension, in_bulk).await.map_err(refused)?;
        let (rows, total) = cut(found.into_iter().collect(), page);
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(objects::phone_with(&call, &desk, row, Some(wanted.clone())).await?);
        }
        return Ok(page.reply(shown, total));
    }
    let found = desk.rows().phones(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(objects::phones(&call, &desk, &found.rows).await?, count(found.total)))
}

/// Seconds, where nothing and an empty text are none.
fn seconds(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    if params.filled(name)?.is_none() {
        return Ok(params.is_present(name).then_some(0));
    }
    params.int(name, 0..=i64::from(u16::MAX))
}

/// Parameters as the object's fields. A telephone may have no number: a tablet with an authenticator.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let params = &call.params;
    let text = |name: &str| params.text(name).map(|text| text.unwrap_or_default().to_owned());
    let new = NewPhone {
        number: params.filled("number")?.map(number).transpose()?,
        extension: text("extension")?,
        name: text("name")?,
        r#type: text("type")?,
        platform: text("platform")?,
        model: text("model")?,
        predelay: seconds(params, "predelay")?.unwrap_or(0),
        postdelay: seconds(params, "postdelay")?.unwrap_or(0),
    };
    let row = desk.scope().create_phone(&new).await.map_err(refused)?;
    Ok(Envelope::ok(objects::phone_with(&call, &desk, row, new.number).await?))
}

async fn shown(call: &Call, desk: &Desk, id: PhoneId) -> Result<Envelope, ApiError> {
    let row = found(desk.rows().phone(id).await)?;
    Ok(Envelope::ok(objects::phone(call, desk, row).await?))
}

/// Gives a telephone's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    shown(&call, &desk, part(&call, 0)?).await
}

/// Changes a telephone and gives the new object. An empty `number` takes the number away.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let params = &call.params;
    let text = |name: &str| params.text(name).map(|text| text.map(ToOwned::to_owned));
    let patch = PhonePatch {
        number: match params.text("number")? {
            None => None,
            Some("") => Some(None),
            Some(given) => Some(Some(number(given)?)),
        },
        extension: text("extension")?,
        name: text("name")?,
        r#type: text("type")?,
        platform: text("platform")?,
        model: text("model")?,
        predelay: seconds(params, "predelay")?,
        postdelay: seconds(params, "postdelay")?,
    };
    let added = desk.scope().change_phone(id, &patch).await.map_err(refused)?;
    announce(&call, added).await?;
    let row = found(desk.rows().phone(id).await)?;
    Ok(Envelope::ok(objects::phone_with(&call, &desk, row, patch.number.flatten()).await?))
}

/// Deletes a telephone.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let removed = desk.scope().delete_phone(part(&call, 0)?).await.map_err(refused)?;
    announce_removals(&call, removed).await;
    Ok(Envelope::ok(""))
}
