//! `POST /authenticator/v1/activate`: attaches a device to the account that a code is for. The code works once.

use crate::{error::Failure, proof};
use auth::Auth;
use axum::{Json, body::Body, extract::State};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use types::SecretBytes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    tenant: String,
    code: String,
    public_key: String,
    #[serde(default)]
    name: String,
    /// Whether the device can keep a seed and show passcodes.
    #[serde(default)]
    totp: bool,
}

/// Nobody is signed in here: the code is the whole proof, as on the link it came by.
pub(crate) async fn activate(State(auth): State<Arc<Auth>>, body: Body) -> Result<Json<Value>, Failure> {
    let body = proof::body(body).await?;
    let asked: Asked = serde_json::from_slice(&body)
        .map_err(|_| Failure::Malformed("the body is not an object of tenant, code, public_key, name and totp"))?;
    let tenant = asked.tenant.parse().map_err(|_| Failure::Malformed("tenant is not an id"))?;
    let key = BASE64URL_NOPAD
        .decode(asked.public_key.trim_end_matches('=').as_bytes())
        .map_err(|_| Failure::Malformed("public_key is not base64url"))?;
    let activated = auth.activate_with(tenant, &asked.code, &key, &asked.name, asked.totp).await?;
    let mut answer = json!({
        "tenant": tenant.to_string(),
        "user": activated.user.to_string(),
        "phone": activated.phone.to_string(),
    });
    if let (Some(seed), Some(answer)) = (&activated.seed, answer.as_object_mut()) {
        answer.insert("totp".to_owned(), totp(seed));
    }
    Ok(Json(answer))
}

/// What RFC 6238 needs, in the words of `otpauth:` URLs. Said once: the server keeps the seed sealed and never shows it again.
fn totp(seed: &SecretBytes) -> Value {
    json!({
        "secret": BASE32_NOPAD.encode(seed.expose()),
        "algorithm": "SHA1",
        "digits": 6,
        "period": 30,
    })
}
