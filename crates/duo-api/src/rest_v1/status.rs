//! `GET /rest/v1/status`: how far an asynchronous attempt is. There is no `result` while it waits.

use super::auth::outcome;
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use ::auth::{Outcome, Progress};
use serde_json::json;

/// Parameter: `txid`. duo_unix asks at most twenty times and takes no answer for a yes, so there is always an answer.
pub(super) async fn status(call: Call) -> Result<Envelope, ApiError> {
    let Ok(txid) = call.params.required("txid")?.parse() else {
        return Ok(Envelope::ok(outcome(&Outcome::deny("deny", "Login request not found or expired."))));
    };
    Ok(Envelope::ok(match call.auth().wait(&call.app, txid, call.door.long_poll).await.map_err(refusal)? {
        Progress::Finished(ended) => outcome(&ended),
        Progress::Waiting { message, .. } => json!({ "status": message }),
    }))
}
