//! What is asked of a call after it was placed.

use super::{
    KIND,
    create::waiting,
    live::{Progress, Seen},
    object,
};
use crate::{
    messages,
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, rejected},
};
use messaging::{Standing, State};
use serde_json::Value;
use types::MessageId;

/// The call that the path names, if a program of this account has placed it.
async fn one(call: &Call) -> Result<MessageId, ApiError> {
    let id = MessageId::from_uuid(call.id(1, Prefix::CALL)?);
    call.rows().api_message(KIND, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(id)
}

async fn standing(call: &Call, id: MessageId) -> Result<Standing, ApiError> {
    Ok(call.api.courier().standing(call.caller.tenant, id).await?.unwrap_or_else(waiting))
}

fn seen(call: &Call, id: MessageId) -> Option<Seen> {
    call.api.calls.seen(call.caller.tenant, id)
}

/// A call, as it stands now.
pub(super) async fn reply(call: &Call, id: MessageId) -> Result<Value, ApiError> {
    let (standing, seen) = (standing(call, id).await?, seen(call, id));
    let created = seen.as_ref().map_or_else(|| id.made_at(), |seen| seen.created);
    Ok(object(&call.caller.account, id, &standing, seen.as_ref(), created))
}

/// One call.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let id = one(&call).await?;
    reply(&call, id).await.map(Reply::ok)
}

/// Ends a call: `Status=canceled` before somebody answers, `Status=completed` whenever. What is over stays as it is.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let id = one(&call).await?;
    if let Some(name) = call.form.first_of(&["Url", "Twiml"]) {
        return Err(ApiError::unsupported(name));
    }
    let is_cancel = match call.form.filled("Status")? {
        Some("canceled") => true,
        Some("completed") => false,
        _ => return Err(ApiError::parameter("Status")),
    };
    let (api, tenant) = (&call.api, call.caller.tenant);
    let answered = seen(&call, id).is_some_and(|seen| seen.progress == Progress::Answered);
    // What is being said can be ended, not cancelled.
    let too_late = is_cancel && answered;
    if !too_late && !api.courier().cancel(tenant, id).await.map_err(|error| rejected(error, false))? {
        api.courier().hang_up(tenant, id);
    }
    reply(&call, id).await.map(Reply::ok)
}

/// Forgets a call that is over. The organisation's own sealed log keeps it as long as the organisation wants.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let id = one(&call).await?;
    let over = seen(&call, id).map(|seen| seen.progress.is_last());
    let waits = matches!(standing(&call, id).await?.state, State::Queued | State::Scheduled | State::Sent);
    if !over.unwrap_or(!waits) {
        return Err(ApiError::new(409, 20009, "A call that is under way can't be deleted"));
    }
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_message(KIND, id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    call.api.calls.forget(id);
    Ok(Reply::gone())
}

/// The calls that programs of this account have placed, newest day first.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let paging = Paging::read(&call.path, &call.query, &["To", "StartTime", "StartTime<", "StartTime>"])?;
    // Neither is kept; a list that ignores the question would be a wrong answer.
    if let Some(name) = call.query.first_of(&["From", "Status", "ParentCallSid", "EndTime", "EndTime<", "EndTime>"]) {
        return Err(ApiError::unsupported(&format!("A list by {name}")));
    }
    let dates = ["StartTime", "StartTime>", "StartTime<"];
    let (rows, next) = messages::found(&call, KIND, dates, &paging).await?;
    let mut objects = Vec::with_capacity(rows.len());
    for row in &rows {
        objects.push(reply(&call, row.id).await?);
    }
    Ok(Reply::ok(paging.old("calls", objects, next)))
}
