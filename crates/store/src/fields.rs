//! The sealed columns and the purposes of keyed hashes: one place, so that what one crate seals another can open.

use keys::Field;
use types::{
    AttemptId, ChallengeId, FactorId, MessageId, PhoneId, SessionId, SignInId, SsoRequestId, StreamId, TokenId,
    VerificationId,
};

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

/// What a sign-in was opened for.
#[must_use]
pub fn sign_in_request(sign_in: &SignInId) -> Field<'_> {
    Field { table: "sign_in", column: "request", row: sign_in.as_bytes() }
}

/// The state of a sign-in's ceremony.
#[must_use]
pub fn sign_in_ceremony(sign_in: &SignInId) -> Field<'_> {
    Field { table: "sign_in", column: "ceremony", row: sign_in.as_bytes() }
}

/// What came of a sign-in.
#[must_use]
pub fn sign_in_result(sign_in: &SignInId) -> Field<'_> {
    Field { table: "sign_in", column: "result", row: sign_in.as_bytes() }
}

/// Address and browser of a session.
#[must_use]
pub fn session_detail(session: &SessionId) -> Field<'_> {
    Field { table: "session", column: "detail", row: session.as_bytes() }
}

/// Address and keys of a phone's subscription to push messages.
#[must_use]
pub fn push_subscription(phone: &PhoneId) -> Field<'_> {
    Field { table: "push_subscription", column: "sealed", row: phone.as_bytes() }
}

/// A secret that a tenant made for itself.
#[must_use]
pub fn tenant_secret(name: &str) -> Field<'_> {
    Field { table: "tenant_secret", column: "sealed", row: name.as_bytes() }
}

/// Who wants to hear of a message that a program sent.
#[must_use]
pub fn api_message_callback(message: &MessageId) -> Field<'_> {
    Field { table: "api_message", column: "sealed", row: message.as_bytes() }
}

/// The address of a verification, and what was asked.
#[must_use]
pub fn verification(verification: &VerificationId) -> Field<'_> {
    Field { table: "verification", column: "sealed", row: verification.as_bytes() }
}

/// The seed or the public key of a program's factor.
#[must_use]
pub fn factor(factor: &FactorId) -> Field<'_> {
    Field { table: "verify_factor", column: "sealed", row: factor.as_bytes() }
}

/// What a challenge shows.
#[must_use]
pub fn challenge(challenge: &ChallengeId) -> Field<'_> {
    Field { table: "verify_challenge", column: "sealed", row: challenge.as_bytes() }
}

/// A relying party's secrets that must be read again: those that it signs with.
#[must_use]
pub fn relying_party_secret(ikey: &str) -> Field<'_> {
    Field { table: "relying_party", column: "secret", row: ikey.as_bytes() }
}

/// What a relying party asked for.
#[must_use]
pub fn sso_request(request: &SsoRequestId) -> Field<'_> {
    Field { table: "sso_request", column: "sealed", row: request.as_bytes() }
}

/// How a person is known at a relying party in one session; the row is the `sid`.
#[must_use]
pub fn sso_participant(sid: &str) -> Field<'_> {
    Field { table: "sso_participant", column: "detail", row: sid.as_bytes() }
}

/// A password's hash.
#[must_use]
pub fn password(user: &types::UserId) -> Field<'_> {
    Field { table: "password", column: "hash", row: user.as_bytes() }
}

/// The password of the account that looks people up in the tenant's directory.
#[must_use]
pub const fn user_directory_secret() -> Field<'static> {
    Field { table: "user_directory", column: "secret", row: b"ldap" }
}

/// What proves to a provider who we are; the row is its key.
#[must_use]
pub fn provider_secret(key: &str) -> Field<'_> {
    Field { table: "provider", column: "secret", row: key.as_bytes() }
}

/// What a provider's answer is judged by; the row is the request's digest.
#[must_use]
pub fn provider_request(digest: &[u8]) -> Field<'_> {
    Field { table: "provider_request", column: "sealed", row: digest }
}

/// A provider's answer that waits for its browser; the row is the request's digest.
#[must_use]
pub fn provider_answer(digest: &[u8]) -> Field<'_> {
    Field { table: "provider_request", column: "answer", row: digest }
}

/// What a stream's events are sent with.
#[must_use]
pub fn signal_credential(id: &StreamId) -> Field<'_> {
    Field { table: "signal_stream", column: "credential", row: id.as_bytes() }
}

/// Purpose of the hash of the secret that binds a relying party's request to its browser; parts: request id, secret.
pub const SSO_BROWSER: &str = "sso-browser";
/// Purpose of a person's name at relying parties of one sector; parts: sector, user id.
pub const PAIRWISE: &str = "pairwise-subject";
/// Purpose of the name of a session at one relying party; parts: session id, integration key.
pub const SSO_SID: &str = "sso-sid";
/// Purpose of the hash of a relying party's secret; parts: integration key, secret.
pub const RELYING_PARTY_SECRET: &str = "relying-party-secret";
/// The private part of a key that signs; the row is its name.
#[must_use]
pub fn signing_key(kid: &str) -> Field<'_> {
    Field { table: "signing_key", column: "private", row: kid.as_bytes() }
}

/// What was granted to an application.
#[must_use]
pub fn grant_family(grant: &types::GrantId) -> Field<'_> {
    Field { table: "grant_family", column: "detail", row: grant.as_bytes() }
}

/// What one token is for; the row is its digest.
#[must_use]
pub fn grant_token(digest: &[u8]) -> Field<'_> {
    Field { table: "grant_token", column: "detail", row: digest }
}

/// The parameters of a pushed request; the row is its digest.
#[must_use]
pub fn pushed_request(digest: &[u8]) -> Field<'_> {
    Field { table: "pushed_request", column: "sealed", row: digest }
}

/// What a device asked for; the row is its digest.
#[must_use]
pub fn device_grant(digest: &[u8]) -> Field<'_> {
    Field { table: "device_grant", column: "sealed", row: digest }
}

/// Purpose of the hash of a code or a token that was given to an application; parts: kind, token.
pub const GRANT_TOKEN: &str = "grant-token";
/// Purpose of the mark of what may be seen once; parts: what it is, by whom it came, its name.
pub const SPENT: &str = "spent";
/// Purpose of the hash of a pushed request's address; parts: its secret part.
pub const PUSHED_REQUEST: &str = "pushed-request";
/// Purpose of the hash of the codes of a device's request; parts: `device` or `user`, code.
pub const DEVICE_CODE: &str = "device-code";
/// Purpose of the tag of a nonce that a proof of possession must have; parts: its time.
pub const DPOP_NONCE: &str = "dpop-nonce";
/// Tokens of dynamic registration: initial ones, and those by which a client manages itself.
pub const REGISTRATION: &str = "registration";
/// Purpose of the hash of an API key's secret; parts: key id, secret.
pub const API_KEY: &str = "api-key";
/// Purpose of the mark that joins one day's messages to one address; parts: day, address.
pub const API_MESSAGE: &str = "api-message";
/// Purpose of the mark of a request that is made once; parts: who asks, its token.
pub const API_ONCE: &str = "api-once";
/// Purpose of the hash of a verification's address; parts: service id, address.
pub const VERIFICATION_WHOSE: &str = "verification-whose";
/// Purpose of the hash of a verification's code; parts: verification id, code, amount, payee.
pub const VERIFICATION_CODE: &str = "verification-code";
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
/// Purpose of the mark of a number that is a canary; parts: number.
pub const CANARY_NUMBER: &str = "canary-number/1";
/// Purpose of rate-limit buckets; parts: what is limited, and whose.
pub const LIMIT: &str = "limit";
/// Purpose of the hash of the secret that binds a sign-in to its browser; parts: sign-in id, secret.
pub const SIGN_IN_BROWSER: &str = "sign-in-browser";
/// Purpose of the tag in the addresses of a sign-in's beacons; parts: sign-in id.
pub const BEACON: &str = "beacon";
/// Purpose of the hash of the code that an application redeems; parts: code.
pub const SIGN_IN_CODE: &str = "sign-in-code";
/// Purpose of the hash of what a provider sends back with its answer; parts: that.
pub const PROVIDER_STATE: &str = "provider-state";
/// Purpose of the hash of a session's secret; parts: session id, secret.
pub const SESSION: &str = "session";
/// Purpose of the hash of a grant's secret; parts: secret.
pub const GRANT: &str = "grant";
/// Purpose of the hash of the secret by which a browser is known; parts: user id, secret.
pub const BROWSER: &str = "browser";
/// Purpose of the hash of a recovery code or an access pass; parts: user id, code.
pub const RECOVERY: &str = "recovery";
/// Purpose of the hash of the code that undoes a change; parts: code.
pub const UNDO: &str = "undo";
