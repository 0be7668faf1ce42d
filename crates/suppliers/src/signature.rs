//! Who signed a callback, and the one token that we sign ourselves.
//!
//! Each scheme's source stands beside it. All compare in constant time, and where the supplier says when it signed, what is older
//! than a day is refused: a receipt of yesterday moves nothing, and suppliers try for most of a day to deliver one.

use crate::{
    letter::{Callback, Rejected},
    secret::Secret,
};
use aws_lc_rs::{digest, hmac, rand::SystemRandom, signature::RSA_PKCS1_SHA256, signature::RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde::Deserialize;
use std::sync::Arc;
use types::{Millis, World, ct_eq};

/// A signature is good for so long, seconds.
const LIFE: i64 = 86_400;
/// So far a supplier's clock may be ahead, seconds.
const AHEAD: i64 = 300;
/// Our own tokens live so long, seconds.
const TOKEN_LIFE: i64 = 300;

/// Who signs.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Nobody.
    #[default]
    None,
    /// A header with the HMAC-SHA256 of the body.
    Hmac {
        /// The header.
        header: String,
        /// The key.
        secret: Secret,
        /// What stands before the signature, `sha256=`.
        #[serde(default)]
        prefix: String,
        /// In hexadecimal digits or in base64.
        #[serde(default)]
        encoding: Encoding,
    },
    /// Name and password (RFC 7617) that the supplier was told.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Vonage: a JWT, or the field `sig`.
    #[serde(skip)]
    Vonage(Secret),
    /// Sinch.
    #[serde(skip)]
    Sinch(Secret),
    /// Plivo.
    #[serde(skip)]
    Plivo(Secret),
    /// Bird.
    #[serde(skip)]
    Bird(Secret),
    /// Telegram's gateway.
    #[serde(skip)]
    Telegram(Secret),
}

/// How a signature is written.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

impl Signature {
    /// Meta's webhooks: `X-Hub-Signature-256: sha256=` and the HMAC-SHA256 of the raw body under the app's secret
    /// (Meta, "Webhooks: validating payloads").
    #[must_use]
    pub fn meta(secret: Secret) -> Self {
        Self::Hmac {
            header: "x-hub-signature-256".to_owned(),
            secret,
            prefix: "sha256=".to_owned(),
            encoding: Encoding::Hex,
        }
    }

    /// Whether a callback is the supplier's: `Ok(true)` if it is signed, `Ok(false)` where nobody signs. `fields` are those of its
    /// form, query or JSON object.
    pub fn check(&self, callback: &Callback<'_>, fields: &[(String, String)], now: Millis) -> Result<bool, Rejected> {
        let good = match self {
            Self::None => return Ok(false),
            Self::Hmac { header, secret, prefix, encoding } => {
                let mac = mac(secret.expose().as_bytes(), &[callback.body]);
                let written = match encoding {
                    Encoding::Hex => HEXLOWER.encode(&mac),
                    Encoding::Base64 => BASE64.encode(&mac),
                };
                given(callback, header).and_then(|given| given.strip_prefix(prefix.as_str())).is_some_and(|given| {
                    let given = if *encoding == Encoding::Hex { given.to_lowercase() } else { given.to_owned() };
                    ct_eq(given.as_bytes(), written.as_bytes())
                })
            }
            Self::Basic { user, password } => {
                let wanted = BASE64.encode(format!("{user}:{}", password.expose()).as_bytes());
                given(callback, "authorization")
                    .and_then(|given| given.strip_prefix("Basic "))
                    .is_some_and(|given| ct_eq(given.as_bytes(), wanted.as_bytes()))
            }
            Self::Vonage(secret) => match bearer(callback) {
                Some(token) => vonage_token(token, secret, callback.body, now),
                None => vonage_field(fields, secret, now),
            },
            Self::Sinch(secret) => sinch(callback, secret, now).unwrap_or(false),
            Self::Plivo(secret) => plivo(callback, secret).unwrap_or(false),
            Self::Bird(secret) => bird(callback, secret, now).unwrap_or(false),
            Self::Telegram(secret) => telegram(callback, secret, now).unwrap_or(false),
        };
        if good { Ok(true) } else { Err(Rejected::Forbidden) }
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

fn given<'a>(callback: &Callback<'a>, header: &str) -> Option<&'a str> {
    callback.headers.get(header)?.to_str().ok()
}

fn bearer<'a>(callback: &Callback<'a>) -> Option<&'a str> {
    given(callback, "authorization")?.strip_prefix("Bearer ")
}

/// Whether a time in seconds is of today.
fn is_fresh(seconds: &str, now: Millis) -> bool {
    seconds.parse().is_ok_and(|at: i64| (-AHEAD..=LIFE).contains(&now.seconds().saturating_sub(at)))
}

/// Vonage, "Signed webhooks": a JWT (HS256 under the account's signature secret) in `Authorization`, whose `payload_hash` is the
/// SHA-256 of the body in hexadecimal digits.
fn vonage_token(token: &str, secret: &Secret, body: &[u8], now: Millis) -> bool {
    #[derive(Deserialize)]
    struct Header {
        alg: String,
    }
    #[derive(Deserialize)]
    struct Claims {
        iat: i64,
        #[serde(default)]
        exp: Option<i64>,
        #[serde(default)]
        payload_hash: Option<String>,
    }
    fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok()
    }
    if token.len() > 4096 {
        return false;
    }
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    let Some((header, claims)) = signed.split_once('.') else { return false };
    let Ok(signature) = BASE64URL_NOPAD.decode(signature.as_bytes()) else { return false };
    // The algorithm first: another one would have another meaning of the same key.
    if read::<Header>(header).is_none_or(|header| header.alg != "HS256")
        || !ct_eq(&mac(secret.expose().as_bytes(), &[signed.as_bytes()]), &signature)
    {
        return false;
    }
    let Some(claims) = read::<Claims>(claims) else { return false };
    if !is_fresh(&claims.iat.to_string(), now) || claims.exp.is_some_and(|exp| exp <= now.seconds()) {
        return false;
    }
    // A GET has no body to hash; a token without the hash vouches for no body.
    match claims.payload_hash {
        Some(hash) => {
            let wanted = HEXLOWER.encode(digest::digest(&digest::SHA256, body).as_ref());
            ct_eq(hash.to_lowercase().as_bytes(), wanted.as_bytes())
        }
        None => body.is_empty(),
    }
}

/// Vonage, "Signing messages": the fields but `sig`, sorted, each `&name=value` with `&` and `=` in it made `_`; HMAC-SHA256 under
/// the signature secret, in hexadecimal digits. (The older MD5 forms are refused: choose SHA-256 HMAC in the account's settings.)
fn vonage_field(fields: &[(String, String)], secret: &Secret, now: Millis) -> bool {
    let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(sig), Some(timestamp)) = (value("sig"), value("timestamp")) else { return false };
    let mut sorted: Vec<_> = fields.iter().filter(|(name, _)| name != "sig").collect();
    sorted.sort();
    let text: String =
        sorted.iter().map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_"))).collect();
    let wanted = HEXLOWER.encode(&mac(secret.expose().as_bytes(), &[text.as_bytes()]));
    ct_eq(sig.to_lowercase().as_bytes(), wanted.as_bytes()) && is_fresh(timestamp, now)
}

/// Sinch, SMS webhooks: base64 of the HMAC-SHA256 of `body.nonce.timestamp` (sinch-sdk-node, `authorization.helper.ts`).
fn sinch(callback: &Callback<'_>, secret: &Secret, now: Millis) -> Option<bool> {
    let given = given(callback, "x-sinch-webhook-signature")?;
    let nonce = callback.headers.get("x-sinch-webhook-signature-nonce")?.as_bytes();
    let timestamp = callback.headers.get("x-sinch-webhook-signature-timestamp")?.to_str().ok()?;
    let mac = mac(secret.expose().as_bytes(), &[callback.body, b".", nonce, b".", timestamp.as_bytes()]);
    Some(ct_eq(given.as_bytes(), BASE64.encode(&mac).as_bytes()) && is_fresh(timestamp, now))
}

/// Plivo: V3 binds address, nonce and form; V2, which messages still come with, address and nonce (plivo-python,
/// `utils/signature_v3.py` and `utils/__init__.py`). Base64 of HMAC-SHA256 under the account's token; several may be given, with
/// commas between.
fn plivo(callback: &Callback<'_>, secret: &Secret) -> Option<bool> {
    let (plain, query) = callback.url.split_once('?').map_or((callback.url, ""), |(url, query)| (url, query));
    let right = |given: &str, parts: &[&[u8]]| {
        let wanted = BASE64.encode(&mac(secret.expose().as_bytes(), parts));
        given.split(',').any(|given| ct_eq(given.trim().as_bytes(), wanted.as_bytes()))
    };
    if let Some(given) = given(callback, "x-plivo-signature-v3") {
        let nonce = callback.headers.get("x-plivo-signature-v3-nonce")?.as_bytes();
        let mut asked: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut form: Vec<(String, String)> = form_urlencoded::parse(callback.body).into_owned().collect();
        asked.sort();
        form.sort();
        let asked = asked.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let form: String = form.iter().map(|(name, value)| format!("{name}{value}")).collect();
        let mut base = plain.to_owned();
        if !asked.is_empty() || !form.is_empty() {
            base.push('?');
            base.push_str(&asked);
        }
        if !asked.is_empty() && !form.is_empty() {
            base.push('.');
        }
        base.push_str(&form);
        return Some(right(given, &[base.as_bytes(), b".", nonce]));
    }
    let given = given(callback, "x-plivo-signature-v2")?;
    let nonce = callback.headers.get("x-plivo-signature-v2-nonce")?.as_bytes();
    Some(right(given, &[plain.as_bytes(), nonce]))
}

/// Bird, "Verifying a webhook subscription": base64 of the HMAC-SHA256 of time, address and the body's SHA-256, a line each.
fn bird(callback: &Callback<'_>, secret: &Secret, now: Millis) -> Option<bool> {
    let given = given(callback, "messagebird-signature")?;
    let timestamp = callback.headers.get("messagebird-request-timestamp")?.to_str().ok()?;
    let hash = digest::digest(&digest::SHA256, callback.body);
    let mac =
        mac(secret.expose().as_bytes(), &[timestamp.as_bytes(), b"\n", callback.url.as_bytes(), b"\n", hash.as_ref()]);
    Some(ct_eq(given.as_bytes(), BASE64.encode(&mac).as_bytes()) && is_fresh(timestamp, now))
}

/// Telegram Gateway API, "Checking report integrity": HMAC-SHA256 of time, a line feed and the body, under the SHA-256 of the token,
/// in hexadecimal digits.
fn telegram(callback: &Callback<'_>, token: &Secret, now: Millis) -> Option<bool> {
    let given = given(callback, "x-request-signature")?;
    let timestamp = callback.headers.get("x-request-timestamp")?.to_str().ok()?;
    let key = digest::digest(&digest::SHA256, token.expose().as_bytes());
    let mac = mac(key.as_ref(), &[timestamp.as_bytes(), b"\n", callback.body]);
    Some(ct_eq(given.to_lowercase().as_bytes(), HEXLOWER.encode(&mac).as_bytes()) && is_fresh(timestamp, now))
}

/// An application of Vonage's, which signs its requests.
#[derive(Clone)]
pub struct Application {
    id: String,
    key: Arc<RsaKeyPair>,
}

/// An application's key can't be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the application's private key is no RSA key in PEM form (PKCS #8)")]
pub struct InvalidKey;

impl Application {
    /// Reads its private key, as Vonage's dashboard gives it.
    pub fn new(id: String, pem: &Secret) -> Result<Self, InvalidKey> {
        use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| InvalidKey)?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| InvalidKey)?;
        Ok(Self { id, key: Arc::new(key) })
    }
}

/// A token for one request (Vonage, "JSON Web Tokens": RS256; `application_id`, `iat`, `exp`, `jti`).
pub(crate) fn token(application: &Application, world: &World) -> Option<String> {
    let now = world.now().seconds();
    let jti = HEXLOWER.encode(&world.bytes::<16>());
    let claims = serde_json::json!({
        "application_id": application.id, "iat": now, "exp": now + TOKEN_LIFE, "jti": jti,
    });
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
    let mut signature = vec![0; application.key.public_modulus_len()];
    application.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
    Some(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
}

#[cfg(test)]
mod tests;
