//! An authenticator: a key that never leaves the device answers for its owner.
//!
//! The device makes a P-256 key and gives the public part when it is activated. Every later request of the device is signed with
//! the private part; an answer is bound by that signature to one attempt, one decision and one minute.

use crate::{Auth, AuthError, attempt::result, ending::End};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::time::Duration;
use store::{PhoneRow, attempts::AttemptRow, fields};
use tokio::time::Instant;
use types::{AttemptId, Millis, PhoneId, SecretString, TenantId, UserId, ct_eq};

/// How far a device's clock may be off, either way.
const CLOCK: Duration = Duration::from_secs(120);
/// An uncompressed P-256 point: 0x04, x, y (SEC 1 §2.3.3).
const POINT: usize = 65;

/// What activation gives the device.
#[derive(Debug)]
pub struct Activated {
    /// Whose account.
    pub user: UserId,
    /// The device's id.
    pub phone: PhoneId,
}

/// A signed request of a device, not yet verified.
pub struct DeviceProof<'a> {
    /// The tenant that the device names.
    pub tenant: TenantId,
    /// The device.
    pub phone: PhoneId,
    /// When it signed, in Unix milliseconds by its own clock.
    pub at: Millis,
    /// The bytes that it signed; they contain `at`, what is asked and everything that is said.
    pub signed: &'a [u8],
    /// ECDSA over SHA-256, in DER.
    pub signature: &'a [u8],
}

/// A device whose signature was verified.
pub struct VerifiedDevice {
    tenant: TenantId,
    phone: PhoneRow,
}

/// A request that waits for an answer, as the device shows it.
#[derive(Debug)]
pub struct Request {
    /// Its id.
    pub id: AttemptId,
    /// The application's name.
    pub application: String,
    /// The user's name.
    pub username: String,
    /// The address that the sign-in comes from.
    pub ip: Option<std::net::IpAddr>,
    /// The machine that is signed in to.
    pub hostname: String,
    /// What the application tells more.
    pub details: Vec<(String, String)>,
    /// Whether the six digits must be typed.
    pub typed: bool,
    /// When it was sent and until when it waits, in Unix seconds.
    pub created: i64,
    /// Until when it waits, in Unix seconds.
    pub expires: i64,
}

/// What the owner says.
pub enum Answer {
    /// Yes, with the digits that the sign-in shows where they are asked for.
    Approve(Option<SecretString>),
    /// No.
    Deny,
    /// It wasn't me.
    Fraud,
}

impl Auth {
    /// Attaches an authenticator to the account that `code` is for.
    pub async fn activate(
        &self,
        tenant: TenantId,
        code: &str,
        public_key: &[u8],
        device_name: &str,
    ) -> Result<Activated, AuthError> {
        if public_key.len() != POINT || public_key.first() != Some(&4) {
            return Err(AuthError::Refused("not an uncompressed P-256 public key"));
        }
        if device_name.len() > 100 || device_name.chars().any(char::is_control) {
            return Err(AuthError::Refused("the device's name is longer than 100 bytes or holds a control character"));
        }
        let (user, phone) = self.attach(tenant, code, public_key.to_vec(), device_name).await?;
        Ok(Activated { user, phone })
    }

    /// Verifies a device's signature.
    pub async fn verify_device(&self, proof: &DeviceProof<'_>) -> Result<VerifiedDevice, AuthError> {
        const REFUSED: AuthError = AuthError::Refused("unknown device or wrong signature");
        let now = self.world.now();
        if now.since(proof.at).max(proof.at.since(now)) > CLOCK {
            return Err(AuthError::Refused("the device's clock is wrong"));
        }
        let phone = self.store.tenant(proof.tenant).phone(proof.phone).await?.ok_or(REFUSED)?;
        let key = phone.public_key.as_deref().ok_or(REFUSED)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(proof.signed, proof.signature)
            .map_err(|_| REFUSED)?;
        Ok(VerifiedDevice { tenant: proof.tenant, phone })
    }

    /// The requests that wait on a device; waits at most `patience` for one.
    pub async fn requests(&self, device: &VerifiedDevice, patience: Duration) -> Result<Vec<Request>, AuthError> {
        let deadline = Instant::now() + patience;
        let mut notices = self.store.engine().notices();
        let mut stopping = self.stopping.subscribe();
        let mine = crate::push::device_notice(device.phone.id);
        loop {
            let requests = self.requests_now(device).await?;
            if !requests.is_empty() || Instant::now() >= deadline || self.is_stopping() {
                return Ok(requests);
            }
            let wake = tokio::time::sleep_until(deadline.min(Instant::now() + Duration::from_secs(5)));
            tokio::pin!(wake);
            loop {
                tokio::select! {
                    () = &mut wake => break,
                    _ = stopping.changed() => break,
                    heard = notices.recv() => if heard.is_ok_and(|heard| heard != mine) { continue } else { break },
                }
            }
        }
    }

    async fn requests_now(&self, device: &VerifiedDevice) -> Result<Vec<Request>, AuthError> {
        let scope = self.store.tenant(device.tenant);
        let now = self.world.now();
        let mut requests = Vec::new();
        for (_, user) in scope.users_of_phones(&[device.phone.id]).await? {
            for attempt in scope.open_attempts(user.id, now).await? {
                if attempt.phone_id != Some(device.phone.id)
                    || attempt.factor != "duo_push"
                    || attempt.status == "offered"
                {
                    continue;
                }
                let Some(app) = self.applications.get(&attempt.ikey).await? else { continue };
                let context = self.context(&app, &attempt).await?;
                requests.push(Request {
                    id: attempt.id,
                    application: app.name.clone(),
                    username: context.username,
                    ip: context.ip,
                    hostname: context.hostname,
                    details: context.details,
                    typed: context.typed,
                    created: attempt.created.seconds(),
                    expires: attempt.expires.seconds(),
                });
            }
        }
        Ok(requests)
    }

    /// Takes the owner's answer. Whether it counted: an attempt is answered once, in time, by the device that it was sent to.
    pub async fn answer(&self, device: &VerifiedDevice, id: AttemptId, answer: Answer) -> Result<bool, AuthError> {
        let scope = self.store.tenant(device.tenant);
        let mine = |attempt: &AttemptRow| attempt.phone_id == Some(device.phone.id) && attempt.status != "offered";
        let Some(attempt) = scope.attempt(id).await?.filter(mine) else {
            return Err(AuthError::Refused("no such request"));
        };
        if attempt.result != result::PENDING {
            return Ok(false);
        }
        let Some(app) = self.applications.get(&attempt.ikey).await?.filter(|app| app.tenant == device.tenant) else {
            return Err(AuthError::Refused("the application is gone"));
        };
        let end = match answer {
            Answer::Deny => End::Denied,
            Answer::Fraud => End::Fraud,
            Answer::Approve(code) => match (&attempt.code_digest, code) {
                (None, _) => End::Approved,
                (Some(_), None) => End::WrongCode,
                (Some(stored), Some(code)) => {
                    let keys = scope.keys().await?;
                    let code = code.expose().trim();
                    let digests =
                        keys.digest_candidates(fields::APPROVAL_CODE, &[attempt.id.as_bytes(), code.as_bytes()]);
                    if digests.iter().any(|digest| ct_eq(digest, stored)) { End::Approved } else { End::WrongCode }
                }
            },
        };
        let ended = self.end(&app, &attempt, end).await?;
        Ok(ended && end != End::WrongCode)
    }
}
