//! `GET /auth/v2/auth_status`: how far an asynchronous attempt is. Waits until there is something new.

use super::outcome;
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use ::auth::{Outcome, Progress};
use serde_json::json;

/// Parameter: `txid`. One that is unknown, or of another application, is denied: a client that polls must get an end.
pub(super) async fn auth_status(call: Call) -> Result<Envelope, ApiError> {
    let Ok(txid) = call.params.required("txid")?.parse() else {
        return Ok(Envelope::ok(outcome(&Outcome::deny("deny", "Login request not found or expired."))));
    };
    Ok(Envelope::ok(match call.auth().wait(&call.app, txid, call.door.long_poll).await.map_err(refusal)? {
        Progress::Finished(ended) => outcome(&ended),
        Progress::Waiting { status, message } => {
            json!({ "result": "waiting", "status": status, "status_msg": message, "auth_delayed": false })
        }
    }))
}
