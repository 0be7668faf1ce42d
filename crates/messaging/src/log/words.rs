//! The plaintext of the two sealed parts.
//!
//! ```text
//! time (8, Unix milliseconds, big-endian) ‖ each thing that is known: tag (1) ‖ length (1) ‖ bytes
//! ```
//!
//! Tags that a reader doesn't know are passed over. It is no JSON, because a million rows are read in a second.

use keys::Part;
use types::{Millis, SecretBytes, UserId};
use zeroize::Zeroizing;

/// The longest that a supplier's own words may be, in bytes, so that they fit.
const MAX_RAW: usize = 200;
/// The longest supplier's id that is kept.
const MAX_ID: usize = 80;
/// The longest name of a place or a carrier that is kept.
const MAX_NAME: usize = 64;

/// What a tag says. The numbers are part of the format.
#[derive(Clone, Copy)]
enum Tag {
    To = 1,
    CallingCode = 2,
    Country = 3,
    Place = 4,
    Carrier = 5,
    Line = 6,
    User = 7,
    Canary = 8,
    Id = 16,
    Raw = 17,
}

/// What is known when a message leaves.
#[derive(Default)]
pub(crate) struct Sent<'a> {
    /// When, in Unix milliseconds.
    pub(crate) at: Millis,
    /// The number in E.164 form, or the mail address.
    pub(crate) to: &'a str,
    /// The number's country calling code, without `+`.
    pub(crate) calling_code: &'a str,
    /// The country's two letters, where the number tells.
    pub(crate) country: &'a str,
    /// The place or the state, where the number tells.
    pub(crate) place: &'a str,
    /// To whom the number's block was given first.
    pub(crate) carrier: &'a str,
    /// What kind of line it is.
    pub(crate) line: &'a str,
    /// To whom, if it is somebody that the tenant knows.
    pub(crate) user: Option<UserId>,
    /// It is no message: it stands there to be stolen.
    pub(crate) canary: bool,
}

/// What the supplier said, at first or at last.
pub(crate) struct Receipt<'a> {
    /// When it was said.
    pub(crate) at: Millis,
    /// The supplier's id of the message.
    pub(crate) id: &'a str,
    /// Its words.
    pub(crate) raw: &'a str,
}

impl Sent<'_> {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = begin(Part::Sent, self.at);
        put(&mut out, Tag::To, self.to.as_bytes());
        if self.canary {
            put(&mut out, Tag::Canary, b"1");
        }
        if let Some(user) = &self.user {
            put(&mut out, Tag::User, user.as_bytes());
        }
        put(&mut out, Tag::CallingCode, self.calling_code.as_bytes());
        put(&mut out, Tag::Country, self.country.as_bytes());
        put(&mut out, Tag::Line, self.line.as_bytes());
        put(&mut out, Tag::Place, cut(self.place, MAX_NAME).as_bytes());
        put(&mut out, Tag::Carrier, cut(self.carrier, MAX_NAME).as_bytes());
        out
    }
}

impl Receipt<'_> {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = begin(Part::Receipt, self.at);
        put(&mut out, Tag::Id, cut(self.id, MAX_ID).as_bytes());
        put(&mut out, Tag::Raw, cut(self.raw, MAX_RAW).as_bytes());
        out
    }
}

fn begin(part: Part, at: Millis) -> Zeroizing<Vec<u8>> {
    // All of it at once, so that no growth leaves a copy behind.
    let mut out = Zeroizing::new(Vec::with_capacity(part.capacity()));
    out.extend_from_slice(&at.0.to_be_bytes());
    out
}

/// What has no room is left out: of a number nothing ever has none, and behind a long mail address nothing else is known.
fn put(out: &mut Vec<u8>, tag: Tag, bytes: &[u8]) {
    if let Ok(length @ 1..) = u8::try_from(bytes.len())
        && out.len() + 2 + bytes.len() <= out.capacity()
    {
        out.extend_from_slice(&[tag as u8, length]);
        out.extend_from_slice(bytes);
    }
}

/// The first `most` bytes, to the end of a letter.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// One opened part.
pub struct Words(SecretBytes);

impl Words {
    /// Takes what [`keys::OpenSegment::open`] gave; `None` if it isn't in the form of this file.
    #[must_use]
    pub fn read(plaintext: SecretBytes) -> Option<Self> {
        let words = Self(plaintext);
        let mut rest = words.0.expose().get(8..)?;
        while !rest.is_empty() {
            let (&[tag, length], after) = rest.split_first_chunk::<2>()?;
            let (bytes, after) = after.split_at_checked(usize::from(length))?;
            if tag != Tag::User as u8 {
                std::str::from_utf8(bytes).ok()?;
            }
            rest = after;
        }
        Some(words)
    }

    /// When it was written.
    #[must_use]
    pub fn at(&self) -> Millis {
        Millis(self.0.expose().first_chunk().map_or(0, |at| i64::from_be_bytes(*at)))
    }

    fn bytes(&self, wanted: Tag) -> Option<&[u8]> {
        let mut rest = self.0.expose().get(8..)?;
        loop {
            let (&[tag, length], after) = rest.split_first_chunk::<2>()?;
            let (bytes, after) = after.split_at_checked(usize::from(length))?;
            if tag == wanted as u8 {
                return Some(bytes);
            }
            rest = after;
        }
    }

    fn text(&self, wanted: Tag) -> &str {
        self.bytes(wanted).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// The sealed part of a row, opened: at the tenant.
pub struct Opened {
    pub(super) sent: Words,
    pub(super) receipt: Option<Words>,
}

impl Opened {
    /// The number in E.164 form, or the mail address.
    #[must_use]
    pub fn to(&self) -> &str {
        self.sent.text(Tag::To)
    }

    /// When the message left.
    #[must_use]
    pub fn at(&self) -> Millis {
        self.sent.at()
    }

    /// The number's country calling code, without `+`; empty for a mail address.
    #[must_use]
    pub fn calling_code(&self) -> &str {
        self.sent.text(Tag::CallingCode)
    }

    /// The country's two letters; empty where the number doesn't tell.
    #[must_use]
    pub fn country(&self) -> &str {
        self.sent.text(Tag::Country)
    }

    /// The place or the state; empty where the number doesn't tell.
    #[must_use]
    pub fn place(&self) -> &str {
        self.sent.text(Tag::Place)
    }

    /// The original carrier: the number may have been taken along to another since. Empty where it isn't known.
    #[must_use]
    pub fn carrier(&self) -> &str {
        self.sent.text(Tag::Carrier)
    }

    /// The kind of line, in the words of [`numbers::Kind`].
    #[must_use]
    pub fn line(&self) -> &str {
        self.sent.text(Tag::Line)
    }

    /// To whom, if it was somebody that the tenant knew.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        Some(UserId::from_bytes(self.sent.bytes(Tag::User)?.try_into().ok()?))
    }

    /// Whether it is no message at all: it stands in the log to be stolen, and whoever reads passes over it.
    #[must_use]
    pub fn is_canary(&self) -> bool {
        self.sent.bytes(Tag::Canary).is_some()
    }

    /// When the supplier last said something.
    #[must_use]
    pub fn receipt_at(&self) -> Option<Millis> {
        self.receipt.as_ref().map(Words::at)
    }

    /// The supplier's id of the message; empty while it has said nothing.
    #[must_use]
    pub fn receipt_id(&self) -> &str {
        self.receipt.as_ref().map_or("", |receipt| receipt.text(Tag::Id))
    }

    /// The supplier's own words.
    #[must_use]
    pub fn receipt_words(&self) -> &str {
        self.receipt.as_ref().map_or("", |receipt| receipt.text(Tag::Raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opened(sent: &Sent<'_>, receipt: &Receipt<'_>) -> Opened {
        let read = |bytes: &[u8]| Words::read(SecretBytes::new(bytes.to_vec())).unwrap();
        Opened { sent: read(&sent.encode()), receipt: Some(read(&receipt.encode())) }
    }

    proptest! {
        #[test]
        fn whatever_is_known_fits_and_comes_back(
            to in "\\+[1-9][0-9]{6,14}", place in "\\PC{0,90}", carrier in "\\PC{0,90}", id in "\\PC{0,300}", raw in any::<String>(),
            at: i64, user: [u8; 16],
        ) {
            let user = UserId::from_bytes(user);
            let sent = Sent {
                at: Millis(at), to: &to, calling_code: "4999", country: "XX", place: &place, carrier: &carrier,
                line: "landlineOrMobile", user: Some(user), canary: false,
            };
            let receipt = Receipt { at: Millis(i64::MIN), id: &id, raw: &raw };
            prop_assert!(sent.encode().len() <= Part::Sent.capacity() && receipt.encode().len() <= Part::Receipt.capacity());
            let opened = opened(&sent, &receipt);
            prop_assert_eq!((opened.to(), opened.at().0, opened.user()), (to.as_str(), at, Some(user)));
            prop_assert_eq!((opened.country(), opened.calling_code(), opened.line()), ("XX", "4999", "landlineOrMobile"));
            prop_assert!(place.starts_with(opened.place()) && opened.place().len() + 4 > place.len().min(MAX_NAME));
            prop_assert!(carrier.starts_with(opened.carrier()) && id.starts_with(opened.receipt_id()));
            prop_assert!(raw.starts_with(opened.receipt_words()) && opened.receipt_words().len() + 4 > raw.len().min(MAX_RAW));
        }

        #[test]
        fn a_mail_address_of_any_length_fits(to in "[a-z]{1,242}@example\\.org") {
            let sent = Sent { to: &to, user: Some(UserId::from_bytes([7; 16])), ..Sent::default() };
            let receipt = Receipt { at: Millis(0), id: "", raw: "" };
            let opened = opened(&sent, &receipt);
            prop_assert_eq!((opened.to(), opened.user().is_some(), opened.receipt_id()), (to.as_str(), true, ""));
        }

        #[test]
        fn garbage_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(words) = Words::read(SecretBytes::new(bytes)) {
                let opened = Opened { sent: words, receipt: None };
                let _ = (opened.at(), opened.to().len(), opened.user(), opened.line().len());
            }
        }
    }
}
