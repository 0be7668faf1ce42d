//! What the message log remembers, and how the tenant reads the sealed part.
//!
//! In clear, for billing and operations: the message's id, its day, channel, supplier, purpose, state, billing class, error class,
//! and a mark of the user that changes every day. Sealed to the tenant's public key: the number, where it lies, the exact time, the
//! supplier's receipt. A tenant without a key gets no clear text instead: `sealed` stays empty, and nothing of it is kept anywhere.
//!
//! The sealed part is two rows of [`keys::sealed`], one after the other, so it always has [`SEALED_LEN`] bytes: the first is written
//! when the message leaves, the second, of the receipt, is replaced when the receipt comes; nobody has to keep or reopen the first.
//!
//! Two clear columns could tell the exact time, and don't: a UUIDv7 carries its time in its first 48 bits, so the log's ids are
//! made of the first moment of their day ([`day_id`]), and rows of one day stand in no order; `txid` stays empty, because an
//! attempt's id carries its time too.

use keys::{KeyError, TenantKeys, TenantPrivateKey, TenantPublicKey, sealed};
use serde::{Deserialize, Serialize};
use types::{MessageId, Millis, Random, TenantId, UserId};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The length of every sealed part, in bytes.
pub const SEALED_LEN: usize = 2 * sealed::SEALED_LEN;

/// The longest that a supplier's own words may be, in bytes, so that they fit.
const MAX_RAW: usize = 200;
/// The longest supplier's id that is kept.
const MAX_ID: usize = 80;

/// The id under which a message stands in the log: the same chance, but the time is the first moment of its UTC day.
#[must_use]
pub fn day_id(id: MessageId) -> MessageId {
    let day = Millis(id.made_at().day().saturating_mul(86_400_000)).as_u64();
    let rest = id.uuid().as_u128() & ((1 << 80) - 1);
    MessageId::from_uuid(Uuid::from_u128((u128::from(day) << 80) | rest))
}

/// What was known when the message left.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The number in E.164 form, or the mail address.
    pub to: String,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// The number's country calling code, without `+`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub calling_code: String,
    /// The country's two letters, where the calling code tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
}

/// What the supplier said, at first or at last.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// The supplier's id of the message; empty while it has said nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// When it was said, in Unix milliseconds.
    #[serde(default)]
    pub at: i64,
    /// Its words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
}

/// The sealed part, opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// What was known when the message left.
    pub sent: Sent,
    /// What the supplier said.
    pub receipt: Receipt,
}

/// Opens the sealed part of a row, where the private key is: at the tenant.
pub fn open(key: &TenantPrivateKey, tenant: TenantId, message: MessageId, sealed: &[u8]) -> Result<Opened, KeyError> {
    let malformed = || KeyError::Malformed("sealed row");
    let (first, second) = sealed.split_at_checked(sealed::SEALED_LEN).ok_or_else(malformed)?;
    let part = |bytes: &[u8]| -> Result<Part, KeyError> {
        serde_json::from_slice(key.open(tenant, message, bytes)?.expose()).map_err(|_| malformed())
    };
    match (part(first)?, part(second)?) {
        (Part::Sent(sent), Part::Receipt(receipt)) => Ok(Opened { sent, receipt }),
        _ => Err(malformed()),
    }
}

/// One of the two rows; its name is sealed in, so that they can't change places.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Sent(Sent),
    Receipt(Receipt),
}

/// Seals for one message.
pub(crate) struct Sealer<'a> {
    pub(crate) key: &'a TenantPublicKey,
    pub(crate) tenant: TenantId,
    pub(crate) message: MessageId,
    pub(crate) random: &'a dyn Random,
}

impl Sealer<'_> {
    /// Both rows, for a message that leaves.
    pub(crate) fn sent(&self, sent: Sent) -> Result<Vec<u8>, KeyError> {
        let mut out = self.part(&Part::Sent(sent))?;
        out.extend(self.part(&Part::Receipt(Receipt::default()))?);
        Ok(out)
    }

    /// The same with another receipt; [`KeyError::Malformed`] if `sealed` isn't such a pair.
    pub(crate) fn with_receipt(&self, sealed: &[u8], mut receipt: Receipt) -> Result<Vec<u8>, KeyError> {
        if sealed.len() != SEALED_LEN {
            return Err(KeyError::Malformed("sealed row"));
        }
        cut(&mut receipt.id, MAX_ID);
        cut(&mut receipt.raw, MAX_RAW);
        let mut out = sealed.get(..sealed::SEALED_LEN).unwrap_or_default().to_vec();
        out.extend(self.part(&Part::Receipt(receipt))?);
        Ok(out)
    }

    fn part(&self, part: &Part) -> Result<Vec<u8>, KeyError> {
        let plain = serde_json::to_vec(part).map_err(|_| KeyError::Malformed("sealed row"))?;
        self.key.seal(self.tenant, self.message, &Zeroizing::new(plain), self.random)
    }
}

/// Keeps what a JSON string of at most `most` bytes can hold of it: what would be escaped goes.
fn cut(text: &mut String, most: usize) {
    text.retain(|c| !c.is_control() && c != '"' && c != '\\');
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// The mark of a user on a day: it counts, and can't be joined with another day's or with another tenant's. A message to nobody in
/// particular gets a mark that no other has.
pub(crate) fn user_mark(keys: &TenantKeys, day: i64, user: Option<UserId>, message: MessageId) -> [u8; 32] {
    match user {
        Some(user) => keys.digest("message-user-of-day/1", &[&day.to_be_bytes(), user.as_bytes()]),
        None => keys.digest("message-of-nobody/1", &[&day.to_be_bytes(), message.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::{World, world::SeededRandom};

    fn sent(to: &str) -> Sent {
        Sent { to: to.to_owned(), at: 1_794_651_630_405, calling_code: "1".to_owned(), region: String::new() }
    }

    fn ids() -> (World, TenantId, MessageId) {
        let (world, _) = World::made(Millis(1_794_651_630_405), 3);
        let tenant = TenantId::new(world.now(), world.random.as_ref());
        let message = day_id(MessageId::new(world.now(), world.random.as_ref()));
        (world, tenant, message)
    }

    #[test]
    fn only_the_tenant_opens_and_only_for_this_message() {
        let (world, tenant, message) = ids();
        let random = world.random.as_ref();
        let private = TenantPrivateKey::generate(random);
        let public = private.public();
        let sealer = Sealer { key: &public, tenant, message, random };
        let row = sealer.sent(sent("+15035550100")).unwrap();
        assert_eq!(row.len(), SEALED_LEN);
        let receipt = Receipt { id: "SM1".to_owned(), at: 5, raw: "delivered \"x\"\n".to_owned() };
        let row = sealer.with_receipt(&row, receipt).unwrap();
        assert_eq!(row.len(), SEALED_LEN);
        let opened = open(&private, tenant, message, &row).unwrap();
        assert_eq!(opened.sent.to, "+15035550100");
        assert_eq!((opened.receipt.id.as_str(), opened.receipt.raw.as_str()), ("SM1", "delivered x"));
        let other = MessageId::new(world.now(), random);
        assert!(open(&private, tenant, other, &row).is_err());
        assert!(open(&TenantPrivateKey::generate(random), tenant, message, &row).is_err());
        let (a, b) = row.split_at(SEALED_LEN / 2);
        assert!(open(&private, tenant, message, &[b, a].concat()).is_err(), "the parts changed places");
    }

    #[test]
    fn a_mark_joins_a_day_and_nothing_else() {
        let (world, tenant, message) = ids();
        let random = world.random.as_ref();
        let ring = crate::testing::ring();
        let keys = |tenant| {
            let wrapped = ring.create_tenant_key(tenant, 1, &world).unwrap();
            ring.open_tenant_keys(tenant, &[wrapped]).unwrap()
        };
        let mine = keys(tenant);
        let user = Some(UserId::new(world.now(), random));
        let mark = user_mark(&mine, 20_000, user, message);
        assert_eq!(mark, user_mark(&mine, 20_000, user, day_id(MessageId::new(world.now(), random))));
        assert_ne!(mark, user_mark(&mine, 20_001, user, message));
        assert_ne!(mark, user_mark(&keys(TenantId::new(world.now(), random)), 20_000, user, message));
        assert_ne!(
            user_mark(&mine, 20_000, None, message),
            user_mark(&mine, 20_000, None, day_id(MessageId::new(world.now(), random)))
        );
    }

    proptest! {
        #[test]
        fn a_day_id_tells_the_day_and_no_more(now in 0_i64..(1 << 46), seed: u64) {
            let id = MessageId::new(Millis(now), &SeededRandom::new(seed));
            let made = day_id(id).made_at();
            prop_assert_eq!(made.day(), Millis(now).day());
            prop_assert_eq!(made.0 % 86_400_000, 0);
            prop_assert_eq!(day_id(id).uuid().get_version_num(), 7);
            prop_assert_eq!(day_id(day_id(id)), day_id(id));
        }

        #[test]
        fn whatever_a_supplier_says_fits(id in "\\PC{0,300}", raw in any::<String>(), to in "\\+[1-9][0-9]{6,14}") {
            let (world, tenant, message) = ids();
            let private = TenantPrivateKey::generate(world.random.as_ref());
            let sealer = Sealer { key: &private.public(), tenant, message, random: world.random.as_ref() };
            let row = sealer.sent(sent(&to)).unwrap();
            let row = sealer.with_receipt(&row, Receipt { id, at: i64::MIN, raw }).unwrap();
            prop_assert_eq!(open(&private, tenant, message, &row).unwrap().sent.to, to);
        }
    }
}
