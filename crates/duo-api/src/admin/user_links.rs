//! `/admin/v1/users/{user}/…`: a user's groups, telephones and tokens.

use super::{
    desk::{Desk, announce, announce_removals, cut, failed, found, id, part, refused},
    objects,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};
use store::StoreError;
use types::UserId;

/// The user of the path, who must be there, and the page.
async fn user(call: &Call, desk: &Desk) -> Result<(UserId, OffsetPage), ApiError> {
    let user = part(call, 0)?;
    found(desk.rows().user(user).await)?;
    Ok((user, OffsetPage::read(&call.params, PageLimits::MORE)?))
}

fn rows<T>(pairs: Result<Vec<(UserId, T)>, StoreError>) -> Result<Vec<T>, ApiError> {
    Ok(pairs.map_err(|error| failed(&error))?.into_iter().map(|(_, row)| row).collect())
}

/// The user's groups.
pub(super) async fn groups(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let (user, page) = user(&call, &desk).await?;
    let (rows, total) = cut(rows(desk.rows().groups_of_users(&[user]).await)?, page);
    Ok(page.reply(rows.iter().map(objects::group).collect(), total))
}

/// Parameter `group_id`.
pub(super) async fn add_group(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().add_to_group(part(&call, 0)?, id(&call.params, "group_id")?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

/// Ends a membership.
pub(super) async fn remove_group(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().remove_from_group(part(&call, 0)?, part(&call, 1)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

/// The user's telephones.
pub(super) async fn phones(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let (user, page) = user(&call, &desk).await?;
    let (rows, total) = cut(rows(desk.rows().phones_of_users(&[user]).await)?, page);
    Ok(page.reply(objects::phones(&call, &desk, &rows).await?, total))
}

/// Parameter `phone_id`.
pub(super) async fn add_phone(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let added = desk.scope().attach_phone(part(&call, 0)?, id(&call.params, "phone_id")?).await.map_err(refused)?;
    announce(&call, added).await?;
    Ok(Envelope::ok(""))
}

/// Takes a telephone from the user; the telephone stays.
pub(super) async fn remove_phone(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let removed = desk.scope().detach_phone(part(&call, 0)?, part(&call, 1)?).await.map_err(refused)?;
    announce_removals(&call, removed).await;
    Ok(Envelope::ok(""))
}

/// The user's tokens.
pub(super) async fn tokens(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let (user, page) = user(&call, &desk).await?;
    let (rows, total) = cut(rows(desk.rows().tokens_of_users(&[user]).await)?, page);
    Ok(page.reply(objects::tokens(&call, &desk, &rows).await?, total))
}

/// Parameter `token_id`.
pub(super) async fn add_token(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let added = desk.scope().attach_token(part(&call, 0)?, id(&call.params, "token_id")?).await.map_err(refused)?;
    announce(&call, added).await?;
    Ok(Envelope::ok(""))
}

/// Takes a token from the user; the token stays.
pub(super) async fn remove_token(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().detach_token(part(&call, 0)?, part(&call, 1)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}
