//! A device's key, where the browser has Device Bound Session Credentials (W3C): the browser itself keeps a cookie of a few minutes fresh.
//!
//! The server says after a sign-in that it may register (`Secure-Session-Registration`), the browser makes a key in hardware and registers
//! it, and from then on holds back each request of the session whose cookie is over until it has renewed it: it asks, is given a challenge
//! (403), signs it, and is given the cookie. All of it is the browser's own doing; no page takes part.

use super::{Holder, Kind, Shown};
use crate::{Auth, AuthError, account::Session};
use jose::{Jwk, dbsc};
use std::time::Duration;
use store::SessionDeviceRow;
use types::SecretString;

/// How long a device's cookie is good, at most.
pub const DEVICE_COOKIE_LIFE: Duration = Duration::from_secs(300);

const REFUSED: AuthError = AuthError::Refused("the device's proof isn't right");

/// The cookie that a device's key has earned.
pub struct DeviceCookie {
    /// Its value.
    pub value: SecretString,
    /// How long it is good.
    pub life: Duration,
}

/// The proof in a browser's header (`Secure-Session-Response`).
#[must_use]
pub fn proof_field(value: &str) -> Option<&str> {
    dbsc::field(value)
}

impl Auth {
    /// What a device's key signs to be registered, with the ticket of the sign-in that has just ended; none where the ticket isn't good.
    /// The ticket isn't spent: the browser's own key uses it too.
    pub async fn device_registration(
        &self,
        session: &Session,
        ticket: &str,
    ) -> Result<Option<SecretString>, AuthError> {
        if !self.may_bind(session, ticket).await? {
            return Ok(None);
        }
        self.make_mark(session.tenant(), Kind::Registration, session.id(), "").await.map(Some)
    }

    /// Registers a device's key by its proof (`dbsc+jwt`). A key that was registered before gives way, as the challenge was given after
    /// another sign-in.
    ///
    /// # Errors
    /// [`AuthError::Refused`] where the proof is malformed, not signed by the key in it, or over a challenge that isn't this session's, was
    /// used, or is over.
    pub async fn register_device(&self, session: &Session, proof: &str) -> Result<DeviceCookie, AuthError> {
        let said = dbsc::registration(proof).map_err(|_| REFUSED)?;
        let tenant = session.tenant();
        let mark = self.read_mark(tenant, Kind::Registration, session.id(), "", &said.challenge).await?;
        let mark = mark.ok_or(REFUSED)?;
        let mut tx = self.store.tenant(tenant).begin().await?;
        if !self.spend(&mut tx, Holder::from(session), &mark).await? {
            return Err(REFUSED);
        }
        tx.put_session_device(&SessionDeviceRow {
            session_id: session.id(),
            user_id: session.user(),
            key: dbsc::kept(&said.key),
            created: self.world.now(),
            expires: session.expires(),
        })
        .await?;
        tx.commit().await?;
        self.device_cookie(session).await
    }

    /// What a device's key signs to renew its cookie; none where the session has no device.
    pub async fn renewal_challenge(&self, session: &Session) -> Result<Option<SecretString>, AuthError> {
        if self.store.tenant(session.tenant()).session_device(session.id()).await?.is_none() {
            return Ok(None);
        }
        self.make_mark(session.tenant(), Kind::Renewal, session.id(), "").await.map(Some)
    }

    /// Renews a device's cookie by its proof.
    ///
    /// # Errors
    /// As [`register_device`](Self::register_device), by the key that was registered.
    pub async fn renew_device(&self, session: &Session, proof: &str) -> Result<DeviceCookie, AuthError> {
        let row = self.store.tenant(session.tenant()).session_device(session.id()).await?.ok_or(REFUSED)?;
        let key = Jwk::parse(&row.key).map_err(|_| AuthError::Damaged("session device"))?;
        let challenge = dbsc::renewal(proof, &key).map_err(|_| REFUSED)?;
        if !self.spend_mark(session, Kind::Renewal, "", &challenge).await? {
            return Err(REFUSED);
        }
        self.device_cookie(session).await
    }

    async fn device_cookie(&self, session: &Session) -> Result<DeviceCookie, AuthError> {
        let value = self.make_mark(session.tenant(), Kind::DeviceCookie, session.id(), "").await?;
        Ok(DeviceCookie { value, life: DEVICE_COOKIE_LIFE })
    }

    /// Whether a request shows the cookie that the session's device has earned.
    pub(super) async fn device_is_here(&self, session: &Session, shown: &Shown<'_>) -> Result<bool, AuthError> {
        let Some(cookie) = shown.device else { return Ok(false) };
        let mark = self.read_mark(session.tenant(), Kind::DeviceCookie, session.id(), "", cookie).await?;
        Ok(mark.is_some())
    }
}
