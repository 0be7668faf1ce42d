//! `POST /auth/v2/enroll`: a new user, with a code to attach an authenticator.

use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use data_encoding::BASE64_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// Parameters: `username` (one is made without), `valid_secs` (60 to 2,592,000; a day without).
pub(super) async fn enroll(call: Call) -> Result<Envelope, ApiError> {
    let username = call.params.filled("username")?;
    let valid_secs = call.params.int("valid_secs", 0..=2_592_000)?.unwrap_or(86_400);
    let valid_secs = if valid_secs == 0 { 86_400 } else { valid_secs };
    let seconds = u64::try_from(valid_secs).map_err(|_| ApiError::invalid_parameter("valid_secs"))?;
    let enrolled = call.auth().enroll(&call.app, username, seconds).await.map_err(refusal)?;
    let host = &call.app.api_host;
    // The form that activation texts have: the code, a dash, the host in base64 without padding (seen on the wire).
    let text = format!("duo://{}-{}", enrolled.code.expose(), BASE64_NOPAD.encode(host.as_bytes()));
    Ok(Envelope::ok(json!({
        "activation_barcode": format!("{}/frame/qr?value={}", call.auth().site(host), utf8_percent_encode(&text, NON_ALPHANUMERIC)),
        "activation_code": text,
        "activation_url": call.auth().activation_url(host, call.app.tenant, &enrolled.code),
        "expiration": enrolled.expires,
        "user_id": enrolled.user.to_string(),
        "username": enrolled.username,
    })))
}
