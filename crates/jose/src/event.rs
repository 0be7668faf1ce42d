//! Security event tokens (RFC 8417): what happened to somebody, signed, for those who must know. OpenID's logout tokens are made the same way.

use crate::{Algorithms, Audience, Expect, JoseError, KeySet, SigningKey, Verified, verify_jwt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use types::Millis;

/// The kind of an event token (RFC 8417 §2.3).
pub const TYPE: &str = "secevent+jwt";
/// The kind of a logout token (OpenID Connect Back-Channel Logout §2.4).
pub const LOGOUT_TYPE: &str = "logout+jwt";

/// What an event token says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct SecurityEvent {
    /// Who says it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// For whom.
    #[serde(rename = "aud")]
    pub audience: Value,
    /// When it was made, in seconds since 1970.
    #[serde(rename = "iat")]
    pub issued_at: i64,
    /// Its own name: two with the same one are the same.
    #[serde(rename = "jti")]
    pub id: String,
    /// What happened, by the event's URI.
    pub events: Map<String, Value>,
    /// Whom it happened to (RFC 9493).
    #[serde(rename = "sub_id", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Value>,
    /// When it happened, in seconds since 1970.
    #[serde(rename = "toe", default, skip_serializing_if = "Option::is_none")]
    pub happened_at: Option<i64>,
    /// What it belongs to.
    #[serde(rename = "txn", default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl SecurityEvent {
    /// Signs it as `secevent+jwt`. It has no `exp`: an event stays true (RFC 8417 §2.2).
    pub fn sign(&self, key: &SigningKey) -> Result<String, JoseError> {
        key.sign_jwt(Some(TYPE), self)
    }

    /// Verifies an event of `issuer` for `audience`. One with a `sub` or an `exp` may be another kind of token in disguise and is refused
    /// (RFC 8417 §4.6); so is one without events.
    pub fn verify(
        text: &str,
        keys: &KeySet,
        allowed: Algorithms,
        issuer: &str,
        audience: &[&str],
        (now, leeway): (Millis, Duration),
    ) -> Result<Verified<Self>, JoseError> {
        let mut expect = Expect::new(issuer, Audience::OneOf(audience), now).of_type(&[TYPE]).with_leeway(leeway);
        expect.needs_expiry = false;
        let raw: Verified<Map<String, Value>> = verify_jwt(text, keys, allowed, &expect)?;
        for name in ["exp", "nonce"] {
            if raw.claims().contains_key(name) {
                return Err(JoseError::Claim(name));
            }
        }
        let event = raw
            .map(|claims| serde_json::from_value(Value::Object(claims)).map_err(|_| JoseError::Malformed("claims")))?;
        let said: &Self = event.claims();
        if said.events.is_empty() || said.events.values().any(|value| !value.is_object()) {
            return Err(JoseError::Claim("events"));
        }
        Ok(event)
    }
}
