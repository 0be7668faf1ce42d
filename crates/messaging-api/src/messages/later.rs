//! What is asked of a message after it was sent.

use super::{KIND, Told, object};
use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, rejected, rfc2822, sid},
};
use messaging::{ChannelKind, Standing, State};
use serde_json::json;
use types::MessageId;

/// The message that the path names, if a program of this account has sent it.
async fn one(call: &Call) -> Result<(MessageId, Standing), ApiError> {
    let id = MessageId::from_uuid(call.id(1, Prefix::MESSAGE)?);
    call.rows().api_message(KIND, id).await?.ok_or_else(ApiError::not_found)?;
    Ok((id, standing(call, id).await?))
}

/// How a message stands. One that the log doesn't know yet waits.
pub(super) async fn standing(call: &Call, id: MessageId) -> Result<Standing, ApiError> {
    let known = call.api.courier().standing(call.caller.tenant, id).await?;
    Ok(known.unwrap_or_else(|| Standing {
        state: State::Queued,
        kind: ChannelKind::Sms,
        error_class: String::new(),
        carrier: String::new(),
        segments: 1,
    }))
}

/// One message.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let (id, standing) = one(&call).await?;
    Ok(Reply::ok(object(&call.caller.account, id, &standing, &Told::default())))
}

/// Takes a message back (`Status=canceled`), or takes its text away (`Body=`), which is gone already.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let (id, _) = one(&call).await?;
    match (call.form.get("Body")?, call.form.filled("Status")?) {
        (Some(""), None) => {}
        (None, Some("canceled")) => {
            let canceled = call.api.courier().cancel(call.caller.tenant, id).await;
            if !canceled.map_err(|error| rejected(error, false))? {
                return Err(ApiError::new(409, 30409, "The message can't be canceled any more"));
            }
        }
        (Some(_), None) => return Err(ApiError::parameter("Body")),
        _ => return Err(ApiError::parameter("Status")),
    }
    Ok(Reply::ok(object(&call.caller.account, id, &standing(&call, id).await?, &Told::default())))
}

/// Forgets a message that has come to its end. The organisation's own sealed log keeps it as long as the organisation wants.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let (id, standing) = one(&call).await?;
    if matches!(standing.state, State::Queued | State::Scheduled) {
        return Err(ApiError::new(409, 20009, "A message that is on its way can't be deleted"));
    }
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_message(KIND, id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(Reply::gone())
}

/// What the program knows of a message: that its code came back tells how good the way was.
pub(super) async fn feedback(call: Call) -> Result<Reply, ApiError> {
    let (id, _) = one(&call).await?;
    let outcome = match call.form.filled("Outcome")? {
        None | Some("confirmed") => "confirmed",
        Some("unconfirmed") => "unconfirmed",
        Some(_) => return Err(ApiError::parameter("Outcome")),
    };
    if outcome == "confirmed" {
        call.api.courier().verified(call.caller.tenant, None, Some(id));
    }
    let name = sid(Prefix::MESSAGE, id.uuid());
    let now = rfc2822(call.now());
    Ok(Reply::created(json!({
        "account_sid": call.caller.account,
        "message_sid": name,
        "outcome": outcome,
        "date_created": now,
        "date_updated": now,
        "uri": call.path,
    })))
}

/// A message's pictures: there are none.
pub(super) async fn media(call: Call) -> Result<Reply, ApiError> {
    one(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    Ok(Reply::ok(paging.old("media_list", Vec::new(), None)))
}
