//! `/admin/v1/users/{user}/addition_request`: what lets an administrator add to the account of somebody who has a passkey. Duo has no
//! such thing; see `docs/admin.md`.

use super::desk::{Desk, failed, found, part};
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use serde_json::{Value, json};
use std::time::Duration;
use store::{AdditionRequest, OPEN_FOR};
use types::UserId;

/// How old an integration must be to allow what another has asked for: a stolen key must not make its own second pair of eyes.
fn old_enough(call: &Call) -> Duration {
    call.app.settings.operator_delay()
}

fn object(call: &Call, request: Option<AdditionRequest>) -> Value {
    let Some(request) = request else { return json!({ "state": "none" }) };
    let opens = request.opens(call.app.settings.operator_delay());
    let now = call.auth().world().now();
    let state = match () {
        () if now < opens => "waiting",
        () if now < opens + OPEN_FOR => "open",
        () => "over",
    };
    json!({
        "state": state,
        "asked_by": request.asked_by,
        "asked_at": request.asked_at.seconds(),
        "allowed_by": request.allowed_by,
        "opens": opens.seconds(),
        "ends": (opens + OPEN_FOR).seconds(),
    })
}

async fn user(call: &Call, desk: &Desk) -> Result<UserId, ApiError> {
    Ok(found(desk.rows().user(part(call, 0)?).await)?.id)
}

/// Gives the request about a user: `state` is `none`, `waiting`, `open` or `over`; times in Unix seconds.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user = user(&call, &desk).await?;
    let request = desk.rows().addition_request(user).await.map_err(|error| failed(&error))?;
    Ok(Envelope::ok(object(&call, request)))
}

/// Asks, in the place of an earlier request. The user is told.
pub(super) async fn ask(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user = user(&call, &desk).await?;
    let request = call.auth().ask_addition(call.app.tenant, user, &call.app.ikey).await.map_err(refusal)?;
    Ok(Envelope::ok(object(&call, Some(request))))
}

/// Parameter `asked_by`: allows what that administrator or key has asked for. The user is told.
pub(super) async fn allow(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user = user(&call, &desk).await?;
    let asked_by = call.params.required("asked_by")?;
    let row = found(desk.rows().integration(&call.app.ikey).await)?;
    if call.auth().world().now() < row.created + old_enough(&call) {
        return Err(ApiError::forbidden("this integration is too new to allow what another has asked for"));
    }
    let allowed = call.auth().allow_addition(call.app.tenant, user, asked_by, &call.app.ikey).await.map_err(refusal)?;
    Ok(Envelope::ok(object(&call, Some(allowed))))
}

/// Withdraws the request.
pub(super) async fn withdraw(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user = user(&call, &desk).await?;
    call.auth().withdraw_addition(call.app.tenant, user, &call.app.ikey).await.map_err(refusal)?;
    Ok(Envelope::ok(""))
}
