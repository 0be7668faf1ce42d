//! `/admin/v1/bypass_codes` and `/admin/v1/users/{user}/bypass_codes`.

use super::{
    desk::{Desk, announce, count, failed, found, part, refused, slice},
    objects,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};
use directory::{Codes, NewBypassCodes};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};
use store::{Page, codes::BypassRow};
use types::{Millis, SecretString, UserId};

/// Codes given by the client at most.
const MOST_CHOSEN: usize = 10;

/// The codes' objects. What a code is nobody is told a second time.
async fn shown(call: &Call, desk: &Desk, codes: &[BypassRow]) -> Result<Vec<Value>, ApiError> {
    let mut owners: HashMap<UserId, Value> = HashMap::new();
    let mut objects = Vec::with_capacity(codes.len());
    for code in codes {
        if let Entry::Vacant(place) = owners.entry(code.user_id) {
            let row = desk.rows().user(code.user_id).await.map_err(|error| failed(&error))?;
            place.insert(row.map(|row| objects::owner(call, &row)).unwrap_or_default());
        }
        objects.push(json!({
            "bypass_code_id": code.id.to_string(),
            "admin_email": "",
            "created_by": code.created_by,
            "created": code.created.seconds(),
            "expiration": code.expires.map(Millis::seconds),
            "reuse_count": code.uses_left,
            "user": owners.get(&code.user_id),
        }));
    }
    Ok(objects)
}

async fn page(call: &Call, user: Option<UserId>) -> Result<Envelope, ApiError> {
    let desk = Desk::of(call);
    if let Some(user) = user {
        found(desk.rows().user(user).await)?;
    }
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let codes = desk.rows().bypass_code_page(user, slice(page)).await;
    let Page { rows, total } = codes.map_err(|error| failed(&error))?;
    Ok(page.reply(shown(call, &desk, &rows).await?, count(total)))
}

/// All codes, spent and expired ones too until they are cleared away.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    page(&call, None).await
}

/// A user's codes.
pub(super) async fn of_user(call: Call) -> Result<Envelope, ApiError> {
    let user = part(&call, 0)?;
    page(&call, Some(user)).await
}

/// Gives a code's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = found(desk.rows().bypass_code(part(&call, 0)?).await)?;
    let object = shown(&call, &desk, &[row]).await?.pop();
    Ok(Envelope::ok(object.unwrap_or_default()))
}

/// Deletes a code.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_bypass_code(part(&call, 0)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

/// Parameters: `count` (10) or `codes`; `reuse_count` (1; 0 without limit), `valid_secs` (0: for ever), `preserve_existing` (no).
/// Gives the codes, this once.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let params = &call.params;
    let count = params.int("count", 1..=10)?;
    let codes = match (count, params.list("codes", MOST_CHOSEN)?) {
        (None, None) => NewBypassCodes::default().codes,
        (Some(count), None) => Codes::Generated(usize::try_from(count).unwrap_or(0)),
        (None, Some(codes)) => Codes::Chosen(codes.into_iter().map(SecretString::new).collect()),
        (Some(_), Some(_)) => return Err(ApiError::invalid_parameter("codes")),
    };
    let uses = params.int("reuse_count", 0..=1_000_000)?.unwrap_or(1);
    let valid_secs = params.int("valid_secs", 0..=i64::from(u32::MAX))?.and_then(|secs| u64::try_from(secs).ok());
    let new = NewBypassCodes {
        codes,
        uses: (uses > 0).then_some(uses),
        valid_for: valid_secs.filter(|secs| *secs > 0).map(Duration::from_secs),
        preserve_existing: params.bool("preserve_existing")?.unwrap_or(false),
    };
    let (codes, added) = desk.scope().create_bypass_codes(part(&call, 0)?, &new).await.map_err(refused)?;
    announce(&call, added).await?;
    Ok(Envelope::ok(codes.iter().map(|code| Value::from(code.expose())).collect::<Vec<_>>()))
}
