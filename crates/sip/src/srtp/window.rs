//! Which packets of a source were seen (RFC 3711 §3.3.1, §3.3.2).

/// How far back a late packet may come.
const SIZE: u64 = 128;

/// The newest index of a source and which of those before it were seen.
pub(super) struct Window {
    newest: u64,
    seen: u128,
}

impl Window {
    pub(super) const fn new(index: u64) -> Self {
        Self { newest: index, seen: 1 }
    }

    /// The index that a sequence number most likely stands for; `None` where it was seen, or is too old to know.
    pub(super) fn index_of(&self, sequence: u16) -> Option<u64> {
        let cycle = self.newest >> 16;
        let last = (self.newest & 0xffff) as u16;
        let sequence_is_ahead = sequence.wrapping_sub(last) < 0x8000;
        let cycle = match (sequence_is_ahead, sequence < last) {
            (true, true) => cycle.checked_add(1)?,
            (false, false) => cycle.checked_sub(1)?,
            _ => cycle,
        };
        let index = cycle << 16 | u64::from(sequence);
        if index > self.newest {
            return Some(index);
        }
        let back = self.newest - index;
        (back < SIZE && self.seen >> back & 1 == 0).then_some(index)
    }

    /// A packet of this index was authentic.
    pub(super) fn note(&mut self, index: u64) {
        if let Some(ahead) = index.checked_sub(self.newest) {
            self.seen = if ahead < SIZE { self.seen << ahead | 1 } else { 1 };
            self.newest = index;
        } else {
            let back = self.newest - index;
            if back < SIZE {
                self.seen |= 1 << back;
            }
        }
    }
}
