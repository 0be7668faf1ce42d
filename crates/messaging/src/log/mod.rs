//! What the message log remembers, and how the tenant reads the sealed part.
//!
//! In clear, for billing and operations: the message's id, its day, channel, supplier, purpose, state, billing class, error class,
//! and a mark of the user that changes every day. Sealed to the tenant's public keys: the number, where it lies, whose it was first,
//! the exact time, the user, the supplier's receipt. A tenant without a key gets no clear text instead: `sealed` stays empty, and
//! nothing of it is kept anywhere.
//!
//! The sealed part is two parts of [`keys::segment`], one after the other, so it always has [`SEALED_LEN`] bytes: the first is
//! written when the message leaves, the second, of the receipt, is replaced when the receipt comes; nobody can reopen the first.
//! The keys come from the [`book`] of open segments, each for one part, and are erased as they are used.
//!
//! Three clear columns could tell the exact time, and don't: a UUIDv7 carries its time in its first 48 bits, so the log's ids are
//! made of the first moment of their day ([`day_id`]), and rows of one day stand in no order; a part's index in its segment is masked;
//! `txid` stays empty, because an attempt's id carries its time too.
//!
//! To add a thing that is sealed: a tag in [`words`], at the end of its list, and room for it in the longest case.

pub(crate) mod book;
pub(crate) mod canary;
mod page;
mod proof;
mod reader;
pub mod watch;
mod words;

pub use canary::without_canaries;
pub use page::{Asked, Page, page, page_of};
pub use proof::{Challenge, PROOF_LIFE, challenge, is_proof};
pub use reader::{LogReader, Unreadable, segments_of};
pub use words::{Opened, Words};
pub(crate) use words::{Receipt, Sent};

use keys::{DayKeys, Part, TenantKeys};
use types::{MessageId, Millis, UserId};
use uuid::Uuid;

/// The length of every sealed part, in bytes.
pub const SEALED_LEN: usize = SENT_LEN + Part::Receipt.sealed_len();
/// The length of the first of its two parts.
const SENT_LEN: usize = Part::Sent.sealed_len();

/// The id under which a message stands in the log: the same chance, but the time is the first moment of its UTC day.
#[must_use]
pub fn day_id(id: MessageId) -> MessageId {
    let day = Millis(id.made_at().day().saturating_mul(86_400_000)).as_u64();
    let rest = id.uuid().as_u128() & ((1 << 80) - 1);
    MessageId::from_uuid(Uuid::from_u128((u128::from(day) << 80) | rest))
}

/// The mark of a user on a day: it counts, and can't be joined with another day's or with another tenant's. It is made under the tenant's
/// key and a key of the day, of which no process keeps any but the present one: when the day is over nobody can say whose mark it was.
/// A message to nobody in particular gets a mark that no other has; so does one for whose day there is no key.
pub(crate) fn user_mark(
    keys: &TenantKeys,
    marks: Option<&DayKeys>,
    day: i64,
    user: Option<UserId>,
    message: MessageId,
) -> [u8; 32] {
    match (user, marks.and_then(|marks| marks.mark_key(day).ok())) {
        (Some(user), Some(key)) => {
            keys.digest("message-user-of-day/2", &[key.expose(), &day.to_be_bytes(), user.as_bytes()])
        }
        _ => keys.digest("message-of-nobody/1", &[&day.to_be_bytes(), message.as_bytes()]),
    }
}

/// The marks that a user may have on a day: one for each key of the tenant that is still in use; `None` when the day's key is gone.
pub(crate) fn user_marks(keys: &TenantKeys, marks: Option<&DayKeys>, day: i64, user: UserId) -> Option<Vec<[u8; 32]>> {
    let key = marks?.mark_key(day).ok()?;
    Some(keys.digest_candidates("message-user-of-day/2", &[key.expose(), &day.to_be_bytes(), user.as_bytes()]))
}

/// For the benchmark.
#[doc(hidden)]
pub mod measuring {
    use super::{Receipt, Sent};
    use keys::{KeyError, Part, PartKey};
    use types::{MessageId, Millis};

    /// A whole row to this number.
    pub fn sealed(sent: PartKey, receipt: PartKey, message: MessageId, to: &str) -> Result<Vec<u8>, KeyError> {
        let words = Sent {
            at: Millis(1_795_280_601_805),
            to,
            calling_code: "49",
            country: "DE",
            place: "",
            carrier: "T-Mobile",
            line: "mobile",
            user: Some(types::UserId::from_bytes(*message.as_bytes())),
            canary: false,
        };
        let mut row = sent.seal(message, Part::Sent, &words.encode())?;
        let words = Receipt { at: words.at, id: "4b1d3c9e-72a6", raw: "status=delivered code=0 done=" };
        row.extend(receipt.seal(message, Part::Receipt, &words.encode())?);
        Ok(row)
    }
}

#[cfg(test)]
mod defence_tests;
#[cfg(test)]
mod tests;
