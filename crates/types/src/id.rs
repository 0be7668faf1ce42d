//! Typed ids: a user id can't be handed where a tenant id is meant.
//!
//! Every id is a UUIDv7 (RFC 9562 §5.7) made by the application, so that rows of one tenant stand in the order of their
//! making. Objects that Duo's clients see are named there by two letters and 18 capitals or digits. Those ids keep
//! the last 32 bits of the UUID zero: 48 bits of time and 42 of chance are left, 90 in all, which is exactly 18 digits of base
//! 32. So one id serves both worlds and no second key or index is needed.

use crate::{Millis, Random};
use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};
use uuid::Uuid;

/// What an id names, and how it is written outside.
pub trait Kind: 'static {
    /// Two capital letters for a kind that Duo's clients see; empty for one that is written as a UUID.
    const PREFIX: &'static str;
    /// The kind's name, for errors and debugging.
    const NAME: &'static str;
}

/// An id of one kind.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// The text was not an id of the wanted kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a valid {0} id")]
pub struct InvalidId(&'static str);

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SHORT_LEN: usize = 18;

impl<K: Kind> Id<K> {
    /// A new id: `now` in the first 48 bits, the rest by chance.
    pub fn new(now: Millis, random: &dyn Random) -> Self {
        let mut tail = [0_u8; 10];
        random.fill(&mut tail);
        if !K::PREFIX.is_empty() {
            // Short form: only 12 + 30 bits of chance.
            let [.., a, b, c, d] = &mut tail;
            (*a, *b, *c, *d) = (0, 0, 0, 0);
        }
        Self(uuid::Builder::from_unix_timestamp_millis(now.as_u64(), &tail).into_uuid(), PhantomData)
    }

    /// The id as stored.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// An id as read from the store.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// An id from its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }

    /// The 16 bytes, for binding an encryption to this id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// When it was made, in Unix milliseconds.
    #[must_use]
    pub fn made_at(self) -> Millis {
        Millis((self.0.as_u128() >> 80) as i64)
    }

    /// The 90 bits of a short id: time, `rand_a`, and the 30 upper bits of `rand_b`.
    fn short_bits(self) -> u128 {
        let bits = self.0.as_u128();
        let time = bits >> 80;
        let rand_a = (bits >> 64) & 0xfff;
        let rand_b = (bits >> 32) & 0x3fff_ffff;
        (time << 42) | (rand_a << 30) | rand_b
    }

    fn from_short_bits(bits: u128) -> Self {
        let time = bits >> 42;
        let rand_a = (bits >> 30) & 0xfff;
        let rand_b = bits & 0x3fff_ffff;
        let uuid = (time << 80) | (0x7 << 76) | (rand_a << 64) | (0b10 << 62) | (rand_b << 32);
        Self::from_uuid(Uuid::from_u128(uuid))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if K::PREFIX.is_empty() {
            return self.0.hyphenated().fmt(f);
        }
        let bits = self.short_bits();
        let mut text = [0_u8; SHORT_LEN];
        for (place, digit) in text.iter_mut().rev().enumerate() {
            let value = (bits >> (5 * place)) & 31;
            *digit = DIGITS.get(value as usize).copied().unwrap_or(b'A');
        }
        f.write_str(K::PREFIX)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId(K::NAME);
        if K::PREFIX.is_empty() {
            return match text.len() {
                36 => Uuid::try_parse(text).map(Self::from_uuid).map_err(|_| invalid),
                _ => Err(invalid),
            };
        }
        let Some(digits) = text.strip_prefix(K::PREFIX) else { return Err(invalid) };
        if digits.len() != SHORT_LEN {
            return Err(invalid);
        }
        let mut bits = 0_u128;
        for byte in digits.bytes() {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return Err(invalid),
            };
            bits = (bits << 5) | u128::from(value);
        }
        Ok(Self::from_short_bits(bits))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", K::NAME)
    }
}

// By hand, because a derive would ask the same of `K`.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $id:ident = $kind:ident, $prefix:literal, $name:literal;)*) => {$(
        #[doc = concat!("Marks ids of one kind: ", $name, ".")]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $id = Id<$kind>;
    )*};
}

ids! {
    /// An organisation: everything else belongs to one.
    TenantId = TenantKind, "DA", "tenant";
    /// A person.
    UserId = UserKind, "DU", "user";
    /// A set of users that policy speaks of.
    GroupId = GroupKind, "DG", "group";
    /// A telephone or tablet: number, authenticator app, or both.
    PhoneId = PhoneKind, "DP", "phone";
    /// A one-time-password token.
    TokenId = TokenKind, "DH", "token";
    /// An administrator.
    AdminId = AdminKind, "DE", "administrator";
    /// A named policy.
    PolicyId = PolicyKind, "PO", "policy";
    /// A bypass code.
    BypassId = BypassKind, "DB", "bypass code";
    /// A passcode that was sent, or a batch of them.
    SmsCodeId = SmsCodeKind, "", "passcode";
    /// One authentication attempt: the `txid` of Duo's clients.
    AttemptId = AttemptKind, "", "attempt";
    /// A row of a log.
    LogId = LogKind, "", "log entry";
    /// A message on its way, or a call.
    MessageId = MessageKind, "", "message";
    /// A run of the sealed message log: what one process wrote for one tenant on one day.
    SegmentId = SegmentKind, "", "log segment";
    /// A passkey: the `webauthnkey` of Duo's clients.
    PasskeyId = PasskeyKind, "WA", "passkey";
    /// One sign-in in a browser.
    SignInId = SignInKind, "", "sign-in";
    /// A browser in which a person is signed in to their own pages.
    SessionId = SessionKind, "", "session";
    /// An addition to a person's authenticators, which can be undone for a while.
    ChangeId = ChangeKind, "", "change";
    /// A recovery code or an access pass.
    RecoveryId = RecoveryKind, "", "recovery secret";
    /// What a program made for itself through the messaging API: a key, a service, a rate limit, an entity.
    ApiObjectId = ApiObjectKind, "", "object";
    /// A code that is on its way to a number which a program wants proved.
    VerificationId = VerificationKind, "", "verification";
    /// One sending of a verification's code.
    VerifyAttemptId = VerifyAttemptKind, "", "sending";
    /// A factor that a program keeps here for somebody.
    FactorId = FactorKind, "", "factor";
    /// A question to such a factor.
    ChallengeId = ChallengeKind, "", "challenge";
    /// What a relying party asked for, while its person signs in.
    SsoRequestId = SsoRequestKind, "", "single sign-on request";
    /// A stream of security events, which an application's receiver made.
    StreamId = StreamKind, "", "stream";
    /// A security event.
    SignalId = SignalKind, "", "event";
    /// What was granted to an application: all tokens that came of one sign-in, or of one request, belong to one.
    GrantId = TokenGrantKind, "", "grant";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SeededRandom;
    use proptest::prelude::*;

    #[test]
    fn a_short_id_is_twenty_capitals_and_a_valid_uuid_v7() {
        let id = UserId::new(Millis(1_795_280_601_805), &SeededRandom::new(1));
        let text = id.to_string();
        assert_eq!(text.len(), 20);
        assert!(text.starts_with("DU"));
        assert!(text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
        assert_eq!(id.uuid().get_version_num(), 7);
        assert_eq!(id.made_at(), Millis(1_795_280_601_805));
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn a_phone_id_is_not_a_user_id() {
        let id = PhoneId::new(Millis(1), &SeededRandom::new(1));
        assert!(id.to_string().parse::<UserId>().is_err());
    }

    proptest! {
        #[test]
        fn any_short_id_survives_its_text(now in 0_i64..(1 << 47), seed: u64) {
            let id = TokenId::new(Millis(now), &SeededRandom::new(seed));
            prop_assert_eq!(id.to_string().parse::<TokenId>(), Ok(id));
        }

        #[test]
        fn any_long_id_survives_its_text(now in 0_i64..(1 << 47), seed: u64) {
            let id = AttemptId::new(Millis(now), &SeededRandom::new(seed));
            prop_assert_eq!(id.to_string().parse::<AttemptId>(), Ok(id));
        }

        #[test]
        fn garbage_is_refused_without_panic(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<UserId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
