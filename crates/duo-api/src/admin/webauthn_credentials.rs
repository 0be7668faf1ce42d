//! `/admin/v1/webauthncredentials`: passkeys, which their owners register in a browser.

use super::{
    desk::{Desk, count, cut, failed, found, part, refused, slice},
    objects,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};

/// A page of all passkeys.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let found = desk.rows().passkeys(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(objects::passkeys(&call, &desk, &found.rows).await?, count(found.total)))
}

/// A user's passkeys.
pub(super) async fn of_user(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user = found(desk.rows().user(part(&call, 0)?).await)?;
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let passkeys = desk.rows().passkeys_of_user(user.id).await.map_err(|error| failed(&error))?;
    let (rows, total) = cut(passkeys, page);
    Ok(page.reply(rows.iter().map(|passkey| objects::passkey_alone(passkey).into()).collect(), total))
}

/// Gives a passkey's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = found(desk.rows().passkey(part(&call, 0)?).await)?;
    let object = objects::passkeys(&call, &desk, &[row]).await?.pop();
    Ok(Envelope::ok(object.unwrap_or_default()))
}

/// Takes a passkey from its user.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_passkey(part(&call, 0)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}
