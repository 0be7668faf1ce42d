//! `POST /rest/v1/auth`.

use crate::{
    auth_v2::client,
    choice::{Choice, choice as chosen_after, factor_of},
    door::{Call, refusal},
    wire::{ApiError, Envelope, PUSHINFO_MAX},
};
use ::auth::{Begin, Begun, Hints, Outcome, Subject};
use serde_json::{Value, json};

/// Parameters: `user`; `factor` (`auto` with the choice in `auto`, or `push`, `phone`, `sms` with `phone` naming the device as
/// `phone1`, or `passcode` with `code`); `pushinfo`, `async`, `ipaddr`, `hostname`.
pub(super) async fn auth(call: Call) -> Result<Envelope, ApiError> {
    let params = &call.params;
    let subject = Subject::Name(params.required("user")?.to_owned());
    let client = client(params)?;
    let later = params.bool("async")?.unwrap_or(false);
    let factor = params.required("factor")?;
    let choice = match factor {
        "auto" => params.required("auto")?.to_owned(),
        "passcode" => params.required("code")?.to_owned(),
        "push" | "phone" | "sms" => {
            let device = params.filled("phone")?.unwrap_or("phone1");
            format!("{factor}{}", device.trim_start_matches("phone"))
        }
        _ => return Err(ApiError::invalid_parameter("factor")),
    };
    // A passcode needs no list of devices; what names a factor is looked up in the order that the prompt had.
    let Choice { factor, device, offer } = match factor_of(&choice, &[]) {
        Ok(passcode) => passcode,
        Err(_) => {
            let preauth =
                call.auth().preauth(&call.app, &subject, &client, &Hints::default()).await.map_err(refusal)?;
            chosen_after(&choice, &preauth)?
        }
    };
    let begin = Begin {
        subject,
        factor,
        device,
        client,
        offer,
        details: params.pairs("pushinfo", PUSHINFO_MAX)?.unwrap_or_default(),
        request_digest: call.request_digest,
        later,
    };
    let response = match call.auth().begin(&call.app, begin).await.map_err(refusal)? {
        Begun::Finished(ended) => outcome(&ended),
        Begun::Pending(txid) if later => json!({ "txid": txid.to_string() }),
        Begun::Pending(txid) => outcome(&call.auth().finish(&call.app, txid).await.map_err(refusal)?),
    };
    Ok(Envelope::ok(response))
}

/// An ended attempt. The old API's `status` is the text that is shown.
pub(super) fn outcome(outcome: &Outcome) -> Value {
    json!({ "result": if outcome.allow { "allow" } else { "deny" }, "status": outcome.message })
}
