//! Devices without a browser (RFC 8628): what they ask, and who says yes.
//!
//! ```text
//! pending ──► allowed ──► redeemed
//!    └──────► denied
//! ```
//!
//! The code that a person types is short, so it is worth something only to who is signed in, and only for [`DEVICE_LIFE`]; those that are tried
//! are counted, for each person; and for each address and the whole organisation, where nobody is signed in.

use super::{GrantError, Granted, Grants, Minted, Want, hold, lasting, takes_consent, with_refresh};
use crate::{RelyingParty, SsoError};
use auth::AuthError;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{DeviceGrantRow, StoreError, fields, limits::Limit};
use types::{Millis, SecretString, SessionId, TenantId, UserId};

/// How long a device waits for somebody.
pub const DEVICE_LIFE: Duration = Duration::from_secs(600);
/// Seconds between a device's questions, to begin with.
const PAUSE: i64 = 5;
/// Seconds more for a device that asks too soon (RFC 8628 §3.5).
const SLOWER: i64 = 5;
/// The longest it gets.
const SLOWEST: i64 = 60;
/// Letters of a user code: no vowels, so that no words come of it (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters in it: 34 bits.
const LENGTH: usize = 8;
const PREFIX: &str = "csdc";
/// Tries to find a user code that isn't in use.
const TRIES: usize = 5;

/// Codes that are tried by one person, or from one address. With 34 bits in a code and ten minutes to find it, this many find none.
const TYPED: Limit = Limit { max: 20, window: Duration::from_secs(600) };
/// Codes that are tried at one organisation by whoever isn't signed in: from however many addresses, they find none.
const TYPED_BY_STRANGERS: Limit = Limit { max: 2000, window: Duration::from_secs(600) };

/// What a device asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAsked {
    /// For what.
    pub scopes: Vec<String>,
    /// At which resources.
    pub resources: Vec<String>,
    /// From where: shown to who says yes.
    pub ip: Option<String>,
    /// The device's own name of itself: shown to who says yes, as what it is.
    pub agent: String,
}

/// Who types a code, and so how it is counted.
#[derive(Clone, Copy, Debug)]
pub enum Typist<'a> {
    /// Somebody of whom nothing is known but the network.
    Stranger(&'a str),
    /// Somebody in whose session it is typed: strangers who try codes don't shut them out.
    SignedIn(UserId),
    /// It was counted when it was typed.
    Counted,
}

/// The codes of a device's request.
pub struct DeviceCodes {
    /// For the device.
    pub device_code: SecretString,
    /// For the person, with a dash in its middle.
    pub user_code: String,
    /// How long they count.
    pub expires_in: Duration,
    /// Seconds between questions.
    pub interval: i64,
}

/// A device's request, as the person sees it.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    /// Its name in the store.
    pub digest: Vec<u8>,
    /// By which application.
    pub ikey: String,
    /// What was asked.
    pub asked: DeviceAsked,
    /// When.
    pub created: Millis,
}

/// What a device is told.
pub enum Polled {
    /// Its tokens.
    Granted(Box<Minted>),
    /// Nobody has said anything yet.
    Pending,
    /// It asked too soon, and must wait longer.
    SlowDown,
    /// Somebody said no.
    Denied,
    /// Nobody said anything in time, or the code is none.
    Expired,
}

/// What stands sealed in the row.
#[derive(Serialize, Deserialize)]
struct Sealed {
    asked: DeviceAsked,
    granted: Option<Granted>,
}

impl Grants {
    /// Opens a device's request.
    pub async fn ask_for_device(&self, party: &RelyingParty, asked: DeviceAsked) -> Result<DeviceCodes, SsoError> {
        let tenant = party.tenant();
        let world = self.auth.world();
        let scope = self.auth.store().tenant(tenant);
        let keys = scope.keys().await?;
        let device = keys::Token::generate(PREFIX, world.random.as_ref());
        let digest = keys.digest(fields::DEVICE_CODE, &[b"device", device.expose().as_bytes()]);
        let sealed = self.seal_device(tenant, &digest, &Sealed { asked, granted: None }).await?;
        for _ in 0..TRIES {
            let letter =
                |_| LETTERS.get(usize::try_from(world.below(20)).unwrap_or(0)).copied().map_or('B', char::from);
            let code: String = (0..LENGTH).map(letter).collect();
            let now = self.now();
            let row = DeviceGrantRow {
                digest: digest.to_vec(),
                user_code: keys.digest(fields::DEVICE_CODE, &[b"user", code.as_bytes()]).to_vec(),
                ikey: party.ikey().to_owned(),
                state: "pending".to_owned(),
                sealed: sealed.clone(),
                user_id: None,
                session_id: None,
                next_poll: now,
                pause: PAUSE,
                created: now,
                expires: now + DEVICE_LIFE,
            };
            let mut tx = scope.begin().await?;
            match tx.insert_device_grant(&row).await {
                Ok(()) => {
                    tx.commit().await?;
                    let (front, back) = code.split_at(LENGTH / 2);
                    return Ok(DeviceCodes {
                        device_code: SecretString::new(device.expose().to_owned()),
                        user_code: format!("{front}-{back}"),
                        expires_in: DEVICE_LIFE,
                        interval: PAUSE,
                    });
                }
                Err(StoreError::Duplicate) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Duplicate.into())
    }

    /// The undecided request with this code, as a person types it: in small letters too, and with dashes and spaces anywhere.
    /// `from` is the network of who typed it ([`auth::sign_in::neighbourhood`]), empty where that was counted before:
    /// [`AuthError::Limited`] for too many.
    pub async fn device_request(
        &self,
        tenant: TenantId,
        typed: &str,
        by: Typist<'_>,
    ) -> Result<Option<DeviceRequest>, SsoError> {
        let scope = self.auth.store().tenant(tenant);
        let limits: &[(&[&[u8]], Limit)] = match &by {
            Typist::Counted => &[],
            Typist::SignedIn(user) => &[(&[b"device-code-of", user.as_bytes()], TYPED)],
            Typist::Stranger(from) => {
                &[(&[b"device-code", from.as_bytes()], TYPED), (&[b"device-codes"], TYPED_BY_STRANGERS)]
            }
        };
        if !limits.is_empty() {
            let keys = scope.keys().await?;
            let now = self.now();
            let mut tx = scope.begin().await?;
            for (parts, limit) in limits {
                let (bucket, limit) = (keys.digest(fields::LIMIT, parts), *limit);
                if !tx.spend(bucket, limit, 1, now).await? {
                    return Err(AuthError::Limited { retry_after: limit.window }.into());
                }
            }
            tx.commit().await?;
        }
        let Some(code) = user_code(typed) else { return Ok(None) };
        for digest in scope.keys().await?.digest_candidates(fields::DEVICE_CODE, &[b"user", code.as_bytes()]) {
            if let Some(row) = scope.device_grant_by_user_code(&digest).await?
                && row.state == "pending"
                && row.expires > self.now()
            {
                let Sealed { asked, .. } = self.open_device(tenant, &row).await?;
                return Ok(Some(DeviceRequest { digest: row.digest, ikey: row.ikey, asked, created: row.created }));
            }
        }
        Ok(None)
    }

    /// A person says yes: whether the request was undecided, in time, and of this application.
    ///
    /// # Errors
    /// [`SsoError::Over`] where the session has ended meanwhile, or a consent that it takes was withdrawn.
    pub async fn allow_device(
        &self,
        party: &RelyingParty,
        request: &DeviceRequest,
        (user, session): (UserId, SessionId),
        granted: Granted,
    ) -> Result<bool, SsoError> {
        let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
        if request.ikey != party.ikey() {
            return Ok(false);
        }
        let granted = with_refresh(client, granted);
        let (until, agreed) = (lasting(client, &granted, session), takes_consent(client, &granted));
        let sealed = Sealed { asked: request.asked.clone(), granted: Some(granted) };
        let sealed = self.seal_device(party.tenant(), &request.digest, &sealed).await?;
        let now = self.now();
        let mut tx = self.auth.store().tenant(party.tenant()).begin().await?;
        hold(&mut tx, session, user, now).await?;
        if agreed && !tx.hold_consent(user, party.ikey()).await? {
            return Err(SsoError::Over);
        }
        let done = tx.decide_device_grant(&request.digest, "allowed", Some((user, until)), &sealed, now).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// A person says no.
    pub async fn deny_device(&self, tenant: TenantId, request: &DeviceRequest) -> Result<bool, SsoError> {
        let sealed = Sealed { asked: request.asked.clone(), granted: None };
        let sealed = self.seal_device(tenant, &request.digest, &sealed).await?;
        let mut tx = self.auth.store().tenant(tenant).begin().await?;
        let done = tx.decide_device_grant(&request.digest, "denied", None, &sealed, self.now()).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// The device asks. [`GrantError`] as for any grant, once somebody has said yes.
    pub async fn poll_device(&self, party: &RelyingParty, code: &str, want: &Want) -> Result<Polled, GrantError> {
        let Ok(code) = keys::Token::parse(PREFIX, code) else { return Ok(Polled::Expired) };
        let tenant = party.tenant();
        let scope = self.auth.store().tenant(tenant);
        let mut found = None;
        for digest in scope.keys().await?.digest_candidates(fields::DEVICE_CODE, &[b"device", code.expose().as_bytes()])
        {
            found = scope.device_grant(&digest).await?;
            if found.is_some() {
                break;
            }
        }
        let now = self.now();
        let Some(row) = found.filter(|row| row.ikey == party.ikey() && row.expires > now) else {
            return Ok(Polled::Expired);
        };
        match row.state.as_str() {
            "pending" => {
                let soon = now < row.next_poll;
                if soon && row.pause >= SLOWEST {
                    // It can't be made slower, so there is nothing to write down.
                    return Ok(Polled::SlowDown);
                }
                let pause = if soon { (row.pause + SLOWER).min(SLOWEST) } else { row.pause };
                let next = Millis(now.0 + pause * 1000);
                let mut tx = scope.begin().await?;
                tx.poll_device_grant(&row.digest, next, pause).await?;
                tx.commit().await?;
                Ok(if soon { Polled::SlowDown } else { Polled::Pending })
            }
            "allowed" => self.redeem_device(party, row, want).await,
            "denied" => Ok(Polled::Denied),
            _ => Ok(Polled::Expired),
        }
    }

    async fn redeem_device(
        &self,
        party: &RelyingParty,
        row: DeviceGrantRow,
        want: &Want,
    ) -> Result<Polled, GrantError> {
        let Sealed { granted, .. } = self.open_device(party.tenant(), &row).await?;
        let (Some(granted), Some(user)) = (granted, row.user_id) else { return Ok(Polled::Expired) };
        let person = Some((user, row.session_id));
        let minted = self.grant_for(Some(&row.digest), party, person, granted, want).await?;
        Ok(minted.map_or(Polled::Expired, |minted| Polled::Granted(Box::new(minted))))
    }

    async fn seal_device(&self, tenant: TenantId, digest: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SsoError> {
        let text = serde_json::to_vec(sealed).map_err(|_| SsoError::Damaged("device grant"))?;
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let random = self.auth.world().random.as_ref();
        Ok(keys.seal(fields::device_grant(digest), &text, random).map_err(StoreError::from)?)
    }

    async fn open_device(&self, tenant: TenantId, row: &DeviceGrantRow) -> Result<Sealed, SsoError> {
        let scope = self.auth.store().tenant(tenant);
        let text = scope.open(fields::device_grant(&row.digest), &row.sealed).await?;
        serde_json::from_slice(text.expose()).map_err(|_| SsoError::Damaged("device grant"))
    }
}

/// The letters of a code as it was typed; none if there are others, more or fewer.
fn user_code(typed: &str) -> Option<String> {
    if typed.len() > 32 {
        return None;
    }
    let letters = typed.chars().filter(|letter| !matches!(letter, '-' | ' ')).map(|letter| letter.to_ascii_uppercase());
    let code: String = letters.collect();
    let fits = code.len() == LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
    fits.then_some(code)
}
