//! Marks: short texts that only this server can make, each good for one session, one purpose, one place, for a short time, and once.
//!
//! A mark is a nonce, the moment it was made, and a keyed hash over these and all that it is about. So nothing is stored when one is made:
//! anybody may ask for a challenge as often as they like. What was spent is stored for as long as it could be shown again, under a unique
//! key, which says who was first.

use super::Holder;
use crate::{Auth, AuthError, account::Session};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;
use store::{GrantRow, StoreError, Tx};
use types::{Millis, SecretString, SessionId, TenantId, ct_eq};

/// The purpose of a mark's hash; parts: kind, session, what it is about, nonce, moment.
const PURPOSE: &str = "session-mark";
const NONCE: usize = 16;
const MOMENT: usize = 8;
const HASH: usize = 32;
/// How long a spent mark is remembered beyond its life, for nodes whose clocks differ.
const SLACK: Duration = Duration::from_secs(120);

/// What a mark is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Binds a browser, after a sign-in.
    Binding,
    /// Is signed by the browser's key.
    Challenge,
    /// A proof that was given: opens one address.
    Ticket,
    /// Is signed by a device's key when it is registered.
    Registration,
    /// Is signed by a device's key when its cookie is renewed.
    Renewal,
    /// The cookie that a device's key renews; it isn't spent.
    DeviceCookie,
    /// Carries a session over to an application's own host.
    HandOver,
    /// The cookie there; it isn't spent.
    Pass,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Challenge => "challenge",
            Self::Ticket => "ticket",
            Self::Registration => "registration",
            Self::Renewal => "renewal",
            Self::DeviceCookie => "device-cookie",
            Self::HandOver => "hand-over",
            Self::Pass => "pass",
        }
    }

    /// How long it is good.
    pub(super) const fn life(self) -> Duration {
        match self {
            // A slow machine makes a key, or a person looks at a page without script.
            Self::Binding => Duration::from_secs(300),
            Self::Challenge | Self::Registration | Self::Renewal => Duration::from_secs(120),
            Self::Ticket => Duration::from_secs(30),
            Self::DeviceCookie => super::DEVICE_COOKIE_LIFE,
            Self::HandOver => Duration::from_secs(60),
            Self::Pass => super::PASS_LIFE,
        }
    }
}

/// A mark that is genuine, of this session and place, and in time; not yet spent.
pub(super) struct Mark {
    hash: [u8; HASH],
    kind: Kind,
    made: Millis,
}

impl Mark {
    /// When it was made.
    pub(super) const fn made(&self) -> Millis {
        self.made
    }
}

impl Auth {
    /// A new mark.
    pub(super) async fn make_mark(
        &self,
        tenant: TenantId,
        kind: Kind,
        session: SessionId,
        about: &str,
    ) -> Result<SecretString, AuthError> {
        let nonce = self.world.bytes::<NONCE>();
        let made = self.world.now().0.to_be_bytes();
        let keys = self.store.tenant(tenant).keys().await?;
        let hash = keys.digest(PURPOSE, &[kind.word().as_bytes(), session.as_bytes(), about.as_bytes(), &nonce, &made]);
        let text = [nonce.as_slice(), &made, &hash].concat();
        Ok(SecretString::new(BASE64URL_NOPAD.encode(&text)))
    }

    /// Reads a mark; none for one that isn't ours, is another's, for something else, or over.
    pub(super) async fn read_mark(
        &self,
        tenant: TenantId,
        kind: Kind,
        session: SessionId,
        about: &str,
        text: &str,
    ) -> Result<Option<Mark>, AuthError> {
        let Some(parts) = Parts::read(text) else { return Ok(None) };
        let made = Millis(i64::from_be_bytes(parts.made));
        let now = self.world.now();
        if now.since(made) >= kind.life() || made.since(now) >= SLACK {
            return Ok(None);
        }
        let keys = self.store.tenant(tenant).keys().await?;
        let signed: [&[u8]; 5] =
            [kind.word().as_bytes(), session.as_bytes(), about.as_bytes(), &parts.nonce, &parts.made];
        let right = keys.digest_candidates(PURPOSE, &signed);
        let genuine = right.iter().any(|right| ct_eq(right, &parts.hash));
        Ok(genuine.then_some(Mark { hash: parts.hash, kind, made }))
    }

    /// Spends a mark inside a transaction; whether it wasn't spent before.
    pub(super) async fn spend(&self, tx: &mut Tx, holder: Holder, mark: &Mark) -> Result<bool, AuthError> {
        let now = self.world.now();
        let spent = GrantRow {
            digest: mark.hash.to_vec(),
            session_id: holder.session,
            user_id: holder.user,
            action: mark.kind.word().to_owned(),
            expires: mark.made + mark.kind.life() + SLACK,
            used_at: Some(now),
        };
        match tx.insert_grant(&spent).await {
            Ok(()) => Ok(true),
            Err(StoreError::Duplicate) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a mark and spends it at once; whether it was good.
    pub(super) async fn spend_mark(
        &self,
        session: &Session,
        kind: Kind,
        about: &str,
        text: &str,
    ) -> Result<bool, AuthError> {
        let Some(mark) = self.read_mark(session.tenant(), kind, session.id(), about, text).await? else {
            return Ok(false);
        };
        let mut tx = self.store.tenant(session.tenant()).begin().await?;
        if !self.spend(&mut tx, session.into(), &mark).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// A mark's text, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    nonce: [u8; NONCE],
    made: [u8; MOMENT],
    hash: [u8; HASH],
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        // Garbage of any length is refused before it is looked at.
        if text.len() > 100 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
        let (made, rest) = rest.split_first_chunk::<MOMENT>()?;
        Some(Self { nonce: *nonce, made: *made, hash: rest.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_no_mark_is_none(text in "\\PC{0,120}") {
            let _ = Parts::read(&text);
        }

        #[test]
        fn a_mark_is_read_as_it_was_written(bytes in proptest::collection::vec(any::<u8>(), NONCE + MOMENT + HASH)) {
            let text = BASE64URL_NOPAD.encode(&bytes);
            let parts = Parts::read(&text).unwrap();
            prop_assert_eq!([parts.nonce.as_slice(), &parts.made, &parts.hash].concat(), bytes);
            let shorter = &text[1..];
            let longer = format!("{text}A");
            prop_assert_eq!(Parts::read(shorter), None);
            prop_assert_eq!(Parts::read(&longer), None);
        }
    }
}
