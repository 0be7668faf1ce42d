//! An authenticator: a key that never leaves the device answers for its owner.
//!
//! The device makes a P-256 key and gives the public part when it is activated. Every later request of the device is signed with
//! the private part; an answer is bound by that signature to one attempt, one decision and one minute.

use crate::{Auth, AuthError, attempt::result, ending::End};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::time::Duration;
use store::{PhoneRow, Tx, attempts::AttemptRow, fields, limits::Limit};
use tokio::time::Instant;
use types::{AttemptId, Millis, PhoneId, SecretBytes, SecretString, TenantId, UserId, ct_eq};

/// How far a device's clock may be off, either way.
const CLOCK: Duration = Duration::from_secs(120);
/// Why a request is refused whose time is too far from the server's: the device can try again by the server's clock.
pub const WRONG_CLOCK: &str = "the device's clock is wrong";
/// An uncompressed P-256 point: 0x04, x, y (SEC 1 §2.3.3).
const POINT: usize = 65;

/// What activation gives the device.
pub struct Activated {
    /// Whose account.
    pub user: UserId,
    /// The device's id.
    pub phone: PhoneId,
    /// The seed of the passcodes that the device shows offline, where it asked for one: TOTP with SHA-1, 6 digits, 30 seconds.
    pub seed: Option<SecretBytes>,
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
    pub(crate) tenant: TenantId,
    pub(crate) phone: PhoneRow,
    /// The keyed hash of what it signed: a second request with the same is a replay.
    pub(crate) request: [u8; 32],
}

impl VerifiedDevice {
    /// Whose tenant's.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Its id.
    #[must_use]
    pub const fn phone(&self) -> PhoneId {
        self.phone.id
    }
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
    /// The browser that is signed in with: `Firefox 140`; empty where it isn't one, or isn't known.
    pub browser: String,
    /// The system that it runs on: `Linux`; empty where it isn't known.
    pub os: String,
    /// Where it is, as far as somebody told; empty for unknown.
    pub place: String,
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
        self.activate_with(tenant, code, public_key, device_name, false).await
    }

    /// As [`activate`](Self::activate); with `passcodes` the device also gets the seed of passcodes that it can show offline.
    pub async fn activate_with(
        &self,
        tenant: TenantId,
        code: &str,
        public_key: &[u8],
        device_name: &str,
        passcodes: bool,
    ) -> Result<Activated, AuthError> {
        if public_key.len() != POINT || public_key.first() != Some(&4) {
            return Err(AuthError::Refused("not an uncompressed P-256 public key"));
        }
        check_name(device_name)?;
        self.attach(tenant, code, public_key.to_vec(), device_name, passcodes).await
    }

    /// Verifies a device's signature.
    pub async fn verify_device(&self, proof: &DeviceProof<'_>) -> Result<VerifiedDevice, AuthError> {
        const REFUSED: AuthError = AuthError::Refused("unknown device or wrong signature");
        let now = self.world.now();
        if now.since(proof.at).max(proof.at.since(now)) > CLOCK {
            return Err(AuthError::Refused(WRONG_CLOCK));
        }
        let scope = self.store.tenant(proof.tenant);
        let phone = scope.phone(proof.phone).await?.ok_or(REFUSED)?;
        let key = phone.public_key.as_deref().ok_or(REFUSED)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(proof.signed, proof.signature)
            .map_err(|_| REFUSED)?;
        // Over what was signed, not over the signature: of one text there are many signatures.
        let request =
            scope.keys().await?.digest(fields::LIMIT, &[b"device-request", phone.id.as_bytes(), proof.signed]);
        Ok(VerifiedDevice { tenant: proof.tenant, phone, request })
    }

    /// Refuses a signed request that came before: [`AuthError::Replayed`]. An answer to an attempt needs none of this, because an
    /// attempt ends once.
    pub(crate) async fn first_time(&self, device: &VerifiedDevice, tx: &mut Tx) -> Result<(), AuthError> {
        // The device's clock may be off either way, so a request is good for twice that at most.
        const ONCE: Limit = Limit { max: 1, window: Duration::from_secs(2 * CLOCK.as_secs() + 1) };
        if tx.spend(device.request, ONCE, 1, self.world.now()).await? { Ok(()) } else { Err(AuthError::Replayed) }
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
                let mut shown = Shown::take(context.details);
                // Our own knowledge of the address goes before what somebody says of it.
                let place = self.location(context.ip).words();
                if !place.is_empty() && place != shown.place {
                    let said = std::mem::replace(&mut shown.place, place);
                    if !said.is_empty() {
                        shown.rest.push(("Location".to_owned(), said));
                    }
                }
                requests.push(Request {
                    id: attempt.id,
                    application: app.name.clone(),
                    username: context.username,
                    ip: context.ip,
                    browser: shown.browser,
                    os: shown.os,
                    place: shown.place,
                    hostname: context.hostname,
                    details: shown.rest,
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

/// What an application or a page told of a sign-in, sorted into what every device shows and the rest.
#[derive(Default)]
struct Shown {
    browser: String,
    os: String,
    place: String,
    rest: Vec<(String, String)>,
}

impl Shown {
    fn take(details: Vec<(String, String)>) -> Self {
        let mut shown = Self::default();
        for (name, value) in details {
            match name.to_ascii_lowercase().as_str() {
                "browser" => shown.browser = value,
                "os" | "operating system" => shown.os = value,
                "place" | "location" => shown.place = value,
                _ => shown.rest.push((name, value)),
            }
        }
        // Our own pages say both in one: `Firefox on Linux`.
        if shown.os.is_empty()
            && let Some((browser, os)) = shown.browser.rsplit_once(" on ")
        {
            (shown.os, shown.browser) = (os.to_owned(), browser.to_owned());
        }
        shown
    }
}

/// What the QR code of a sign-in says, so that an authenticator approves by scanning instead of typing:
/// `countersign:approve?tenant=…&attempt=…&code=…`.
#[must_use]
pub fn approval_uri(tenant: TenantId, attempt: AttemptId, code: &SecretString) -> SecretString {
    SecretString::new(format!("countersign:approve?tenant={tenant}&attempt={attempt}&code={}", code.expose()))
}

/// What a device may be called: at most 100 bytes, no control character.
pub(crate) fn check_name(name: &str) -> Result<(), AuthError> {
    if name.len() > 100 || name.chars().any(char::is_control) {
        return Err(AuthError::Refused("the device's name is longer than 100 bytes or holds a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::world::SeededRandom;

    fn shown(details: &[(&str, &str)]) -> Shown {
        Shown::take(details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_every_device_shows_is_told_apart_from_the_rest() {
        let ours = shown(&[("Browser", "Samsung Internet on Android"), ("Reason", "a on b")]);
        assert_eq!((ours.browser.as_str(), ours.os.as_str()), ("Samsung Internet", "Android"));
        assert_eq!(ours.rest, [("Reason".to_owned(), "a on b".to_owned())]);
        let theirs = shown(&[("browser", "Lynx"), ("Operating System", "Plan 9"), ("LOCATION", "Lyon")]);
        assert_eq!((theirs.browser.as_str(), theirs.os.as_str(), theirs.place.as_str()), ("Lynx", "Plan 9", "Lyon"));
        assert!(shown(&[]).rest.is_empty());
    }

    #[test]
    fn a_qr_code_names_tenant_attempt_and_digits() {
        let random = SeededRandom::new(1);
        let (tenant, attempt) = (TenantId::new(Millis(1), &random), AttemptId::new(Millis(2), &random));
        let uri = approval_uri(tenant, attempt, &SecretString::new("012345".to_owned()));
        assert_eq!(uri.expose(), format!("countersign:approve?tenant={tenant}&attempt={attempt}&code=012345"));
    }

    #[test]
    fn a_name_is_a_line() {
        assert!(check_name("Anna’s phone").is_ok() && check_name("").is_ok());
        assert!(check_name(&"x".repeat(101)).is_err() && check_name("a\tb").is_err());
    }
}
