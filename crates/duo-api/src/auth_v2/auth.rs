//! `POST /auth/v2/auth`: a factor is tried.

use super::{client, outcome, subject};
use crate::{
    choice::{self, Choice},
    door::{Call, refusal},
    wire::{ApiError, Envelope, PUSHINFO_MAX, Params},
};
use ::auth::{Begin, Begun, DeviceId, Factor};
use serde_json::json;
use types::SecretString;

/// Parameters: `username` or `user_id`; `factor` (`auto`, `push`, `passcode`, `sms`, `phone`, or of duo_unix `prompt` with the
/// choice in `prompt`); `device` (id or `auto`), `passcode`, `async`, `txid` (of an offered verified push), `type`,
/// `display_username`, `pushinfo`, `ipaddr`, `hostname`.
pub(super) async fn auth(call: Call) -> Result<Envelope, ApiError> {
    let params = &call.params;
    let subject = subject(params)?;
    let later = params.bool("async")?.unwrap_or(false);
    let offer = params.filled("txid")?.map(str::parse).transpose().map_err(|_| ApiError::invalid_parameter("txid"))?;
    let on_device = |factor| Ok::<_, ApiError>(Choice { factor, device: device(params)?, offer });
    let Choice { factor, device, offer } = match params.required("factor")? {
        "auto" => on_device(Factor::Auto)?,
        "push" => on_device(Factor::Push)?,
        "phone" => on_device(Factor::Phone)?,
        "sms" => on_device(Factor::Sms)?,
        "passcode" => {
            let factor = Factor::Passcode(SecretString::new(params.required("passcode")?.to_owned()));
            Choice { factor, device: None, offer: None }
        }
        "prompt" => {
            let chosen = params.required("prompt")?;
            let hints = ::auth::Hints::default();
            let client = client(params)?;
            let preauth = call.auth().preauth(&call.app, &subject, &client, &hints).await.map_err(refusal)?;
            choice::choice(chosen, &preauth)?
        }
        _ => return Err(ApiError::invalid_parameter("factor")),
    };
    let begin = Begin {
        subject,
        factor,
        device,
        client: client(params)?,
        offer,
        details: details(params)?,
        request_digest: call.request_digest,
        later,
    };
    match call.auth().begin(&call.app, begin).await.map_err(refusal)? {
        Begun::Finished(ended) => Ok(Envelope::ok(outcome(&ended))),
        Begun::Pending(txid) if later => Ok(Envelope::ok(json!({ "txid": txid.to_string() }))),
        Begun::Pending(txid) => {
            let ended = call.auth().finish(&call.app, txid).await.map_err(refusal)?;
            Ok(Envelope::ok(outcome(&ended)))
        }
    }
}

/// The named device; `auto` and nothing mean the first capable one.
fn device(params: &Params) -> Result<Option<DeviceId>, ApiError> {
    match params.filled("device")? {
        None | Some("auto") => Ok(None),
        Some(id) if id.starts_with("DP") => {
            id.parse().map(DeviceId::Phone).map(Some).map_err(|_| ApiError::invalid_parameter("device"))
        }
        Some(id) => id.parse().map(DeviceId::Token).map(Some).map_err(|_| ApiError::invalid_parameter("device")),
    }
}

/// What the authenticator shows: the request's type, the name to show, and `pushinfo` (a query string of its own).
pub(crate) fn details(params: &Params) -> Result<Vec<(String, String)>, ApiError> {
    let mut details = Vec::new();
    for (name, shown) in [("type", "Type"), ("display_username", "User")] {
        if let Some(value) = params.filled(name)? {
            details.push((shown.to_owned(), value.chars().take(255).collect()));
        }
    }
    details.extend(params.pairs("pushinfo", PUSHINFO_MAX)?.unwrap_or_default());
    Ok(details)
}
