//! The sealed columns and the purposes of keyed hashes: one place, so that what one crate seals another can open.

use keys::Field;
use types::{AttemptId, PhoneId, TokenId};

/// A phone's number.
#[must_use]
pub fn phone_number(phone: &PhoneId) -> Field<'_> {
    Field { table: "phone", column: "number", row: phone.as_bytes() }
}

/// The last four digits of a phone's number, sealed apart so that showing them never opens the number.
#[must_use]
pub fn phone_tail(phone: &PhoneId) -> Field<'_> {
    Field { table: "phone", column: "tail", row: phone.as_bytes() }
}

/// A token's seed; for a Yubico token the AES key (16 bytes) and the private id (6 bytes).
#[must_use]
pub fn token_seed(token: &TokenId) -> Field<'_> {
    Field { table: "token", column: "seed", row: token.as_bytes() }
}

/// An integration's secret key.
#[must_use]
pub fn integration_secret(ikey: &str) -> Field<'_> {
    Field { table: "integration", column: "secret", row: ikey.as_bytes() }
}

/// What an authenticator shows of an attempt.
#[must_use]
pub fn attempt_context(attempt: &AttemptId) -> Field<'_> {
    Field { table: "attempt", column: "context", row: attempt.as_bytes() }
}

/// Purpose of the hash of a bypass code; parts: user id, code.
pub const BYPASS_CODE: &str = "bypass-code";
/// Purpose of the hash of a passcode that was sent; parts: phone id, code.
pub const SMS_CODE: &str = "sms-code";
/// Purpose of the hash of an activation code; parts: code.
pub const ACTIVATION_CODE: &str = "activation-code";
/// Purpose of the hash of a remembered-device token; parts: token.
pub const TRUSTED_DEVICE: &str = "trusted-device";
/// Purpose of the hash of the code that a person types to approve; parts: attempt id, code.
pub const APPROVAL_CODE: &str = "approval-code";
/// Purpose of rate-limit buckets; parts: what is limited, and whose.
pub const LIMIT: &str = "limit";
