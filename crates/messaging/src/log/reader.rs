//! Reading the sealed parts, where the private key is: at the tenant.

use super::{Opened, SEALED_LEN, SENT_LEN, Words};
use keys::{OpenSegment, Part, TenantPrivateKey, segment};
use std::collections::BTreeMap;
use store::MessageRow;
use types::{MessageId, SegmentId, TenantId};

/// So few rows are not worth another thread.
const ALONE: usize = 256;

/// Why a row can't be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// The segment's header is not at hand.
    #[error("the key of its segment is not in the log")]
    NoSegment,
    /// It was sealed to other keys than those given.
    #[error("it was sealed to another key")]
    OtherKey,
    /// The day was shredded at the end of its retention.
    #[error("its day was shredded")]
    Shredded,
    /// It was changed, or is no sealed part.
    #[error("it is damaged")]
    Damaged,
}

/// Opens rows of one tenant. Segments are added day by day and forgotten likewise: an open one takes up to 2 MiB, about 100 bytes for
/// each of its messages.
pub struct LogReader {
    tenant: TenantId,
    keys: Vec<TenantPrivateKey>,
    segments: BTreeMap<SegmentId, (i64, Result<OpenSegment, Unreadable>)>,
}

impl LogReader {
    /// A reader with these private keys: more than one where the tenant has changed its key.
    #[must_use]
    pub fn new(tenant: TenantId, keys: Vec<TenantPrivateKey>) -> Self {
        Self { tenant, keys, segments: BTreeMap::new() }
    }

    /// Takes the header of a segment; `None` for one whose day was shredded.
    pub fn add_segment(&mut self, id: SegmentId, day: i64, header: Option<&[u8]>) {
        if self.segments.contains_key(&id) {
            return;
        }
        let opened = match header {
            None => Err(Unreadable::Shredded),
            Some(header) => self.open_header(id, day, header),
        };
        self.segments.insert(id, (day, opened));
    }

    fn open_header(&self, id: SegmentId, day: i64, header: &[u8]) -> Result<OpenSegment, Unreadable> {
        let recipients = segment::recipients_of(header);
        if recipients.is_empty() {
            return Err(Unreadable::Damaged);
        }
        let mine = self.keys.iter().find(|key| recipients.contains(&key.public().id()));
        let key = mine.ok_or(Unreadable::OtherKey)?;
        key.open_segment(self.tenant, id, day, header).map_err(|_| Unreadable::Damaged)
    }

    /// Whether the header of this segment was given.
    #[must_use]
    pub fn knows(&self, id: SegmentId) -> bool {
        self.segments.contains_key(&id)
    }

    /// Forgets segments of days before `day`.
    pub fn forget_before(&mut self, day: i64) {
        self.segments.retain(|_, (of, _)| *of >= day);
    }

    /// Opens the sealed part of a row.
    pub fn open(&self, message: MessageId, sealed: &[u8]) -> Result<Opened, Unreadable> {
        if sealed.len() != SEALED_LEN {
            return Err(Unreadable::Damaged);
        }
        let (sent, receipt) = sealed.split_at_checked(SENT_LEN).ok_or(Unreadable::Damaged)?;
        let first = segment::segment_of(Part::Sent, sent).ok_or(Unreadable::Damaged)?;
        let of_sent = self.segment(first)?;
        let sent = words(of_sent, message, Part::Sent, sent)?;
        // Mostly both were written by one process: then the segment is at hand.
        let of_receipt = match segment::segment_of(Part::Receipt, receipt) {
            Some(second) if second == first => Ok(of_sent),
            Some(second) => self.segment(second),
            None => Err(Unreadable::Damaged),
        };
        let receipt = match of_receipt.and_then(|segment| words(segment, message, Part::Receipt, receipt)) {
            Ok(receipt) => Some(receipt),
            Err(_) if segment::is_blank(Part::Receipt, receipt) => None,
            // The tenant has changed its key between the two.
            Err(Unreadable::OtherKey) => None,
            Err(unreadable) => return Err(unreadable),
        };
        Ok(Opened { sent, receipt })
    }

    /// Opens rows of [`store::MessageRow`]s, on all processors where there are many; a row without a sealed part is
    /// [`Unreadable::Damaged`].
    #[must_use]
    pub fn open_rows(&self, rows: &[MessageRow]) -> Vec<Result<Opened, Unreadable>> {
        let open = |rows: &[MessageRow]| -> Vec<_> {
            rows.iter().map(|row| self.open(row.id, row.sealed.as_deref().unwrap_or_default())).collect()
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = rows.len().div_ceil(threads).max(ALONE);
        if rows.len() <= share {
            return open(rows);
        }
        std::thread::scope(|scope| {
            let shares: Vec<_> = rows.chunks(share).map(|rows| scope.spawn(move || open(rows))).collect();
            let opened = shares.into_iter().map(|share| share.join().unwrap_or_default());
            opened.flatten().collect()
        })
    }

    fn segment(&self, id: SegmentId) -> Result<&OpenSegment, Unreadable> {
        let (_, segment) = self.segments.get(&id).ok_or(Unreadable::NoSegment)?;
        segment.as_ref().map_err(|unreadable| *unreadable)
    }
}

fn words(segment: &OpenSegment, message: MessageId, part: Part, sealed: &[u8]) -> Result<Words, Unreadable> {
    let opened = segment.open(message, part, sealed).map_err(|_| Unreadable::Damaged)?;
    Words::read(opened).ok_or(Unreadable::Damaged)
}

/// The segments that a row's sealed part needs: one, or two where the receipt was written by another process.
#[must_use]
pub fn segments_of(sealed: &[u8]) -> [Option<SegmentId>; 2] {
    let Some((sent, receipt)) = sealed.split_at_checked(SENT_LEN) else { return [None, None] };
    [segment::segment_of(Part::Sent, sent), segment::segment_of(Part::Receipt, receipt)]
}
