//! `POST /auth/v2/preauth`: whether a person may go on, and with what.

use super::{client, subject};
use crate::{
    door::{Call, refusal},
    prompt::prompt,
    wire::{ApiError, Envelope},
};
use ::auth::{Capability, Device, DeviceId, Hints, Subject, Verdict};
use serde_json::{Map, Value, json};
use types::SecretString;

/// Parameters: `username` or `user_id`; `ipaddr`, `hostname`, `trusted_device_token`, `client_supports_verified_push` (`1`),
/// and of duo_unix `text_prompt` (`1`) and `failmode`, which changes nothing here: whatever a client does on errors, none is sent.
pub(super) async fn preauth(call: Call) -> Result<Envelope, ApiError> {
    let params = &call.params;
    let (subject, client) = (subject(params)?, client(params)?);
    let verified_push = params.bool("client_supports_verified_push")?.unwrap_or(false);
    let text_prompt = params.bool("text_prompt")?.unwrap_or(false);
    let hints = Hints {
        trusted_token: params.filled("trusted_device_token")?.map(|token| SecretString::new(token.to_owned())),
        shows_code: verified_push || text_prompt,
    };
    let preauth = call.auth().preauth(&call.app, &subject, &client, &hints).await.map_err(refusal)?;
    let mut response = Map::new();
    let result = match preauth.decision.verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Enroll => "enroll",
        Verdict::Challenge => "auth",
    };
    response.insert("result".to_owned(), result.into());
    response.insert("status_msg".to_owned(), preauth.decision.message.as_str().into());
    if let Some(url) = &preauth.enroll_url {
        response.insert("enroll_portal_url".to_owned(), url.as_str().into());
    }
    if preauth.decision.verdict == Verdict::Challenge {
        response.insert("devices".to_owned(), preauth.devices.iter().map(device).collect());
        if text_prompt {
            let name = match &subject {
                Subject::Name(name) => name.clone(),
                Subject::Id(id) => id.to_string(),
            };
            let prompt = prompt(&name, &preauth);
            response.insert("prompt".to_owned(), json!({ "text": prompt.text, "factors": prompt.factors }));
        }
        if let (true, Some(offer)) = (verified_push, &preauth.offer) {
            response.insert("txid".to_owned(), offer.attempt.to_string().into());
            response.insert("verification_code".to_owned(), offer.code.expose().into());
            response.insert("expiration".to_owned(), offer.expires.into());
        }
    }
    Ok(Envelope::ok(Value::Object(response)))
}

fn device(device: &Device) -> Value {
    let capabilities: Vec<Value> = device
        .capabilities
        .iter()
        .map(|capability| match capability {
            Capability::Auto => "auto".into(),
            Capability::Push => "push".into(),
            Capability::Phone => "phone".into(),
            Capability::Sms => "sms".into(),
            Capability::Otp => "mobile_otp".into(),
        })
        .collect();
    match device.id {
        DeviceId::Token(id) => {
            json!({ "device": id.to_string(), "type": "token", "name": device.name, "display_name": device.display })
        }
        DeviceId::Phone(id) => {
            let mut phone = json!({
                "device": id.to_string(),
                "type": "phone",
                "display_name": device.display,
                "name": device.name,
                "number": device.masked_number,
                "capabilities": capabilities,
            });
            if let (Some(digit), Some(phone)) = (&device.next_code, phone.as_object_mut()) {
                phone.insert("sms_nextcode".to_owned(), digit.as_str().into());
            }
            phone
        }
    }
}
