//! The automata that `xtask/numbers/automaton.py` writes: states over digits, each with a label (0 for none).
//!
//! A state is a head of 16 bits (bits 0–9: a run of equal ways begins at this digit; bits 10–11: bytes of the label; bits 12–13: bytes
//! of a way, less one), the label, and a distance back for each run, 0 for nowhere. All little-endian.

/// One automaton. What is malformed leads nowhere.
#[derive(Clone, Copy)]
pub(crate) struct Automaton(pub(crate) &'static [u8]);

struct State {
    at: usize,
    starts: u16,
    label: u32,
    /// Where its ways stand, and how many bytes each has.
    ways: usize,
    width: usize,
}

impl Automaton {
    /// The label where the digits end; 0 where they lead nowhere.
    pub(crate) fn whole(self, digits: &[u8]) -> u32 {
        let mut state = self.first();
        for digit in digits {
            state = state.and_then(|state| self.follow(&state, *digit));
        }
        state.map_or(0, |state| state.label)
    }

    /// The last label on the way; 0 where there is none.
    pub(crate) fn longest(self, digits: impl Iterator<Item = u8>) -> u32 {
        let mut state = self.first();
        let mut last = 0;
        for digit in digits {
            state = state.and_then(|state| self.follow(&state, digit));
            match &state {
                Some(state) if state.label != 0 => last = state.label,
                Some(_) => {}
                None => break,
            }
        }
        last
    }

    fn first(self) -> Option<State> {
        self.state(usize::try_from(number(self.0, 0, 4)?).ok()?)
    }

    fn state(self, at: usize) -> Option<State> {
        let head = u16::try_from(number(self.0, at, 2)?).ok()?;
        let size = usize::from(head >> 10 & 3);
        let label = number(self.0, at + 2, size)?;
        Some(State { at, starts: head & 0x3ff, label, ways: at + 2 + size, width: usize::from(head >> 12 & 3) + 1 })
    }

    /// `digit`: `b'0'` to `b'9'`.
    fn follow(self, state: &State, digit: u8) -> Option<State> {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        let up_to_here = state.starts & ((2 << digit) - 1);
        let run = usize::try_from(up_to_here.count_ones()).ok()?.checked_sub(1)?;
        let back = usize::try_from(number(self.0, state.ways + run * state.width, state.width)?).ok()?;
        if back == 0 { None } else { self.state(state.at.checked_sub(back)?) }
    }
}

/// A little-endian number of up to four bytes.
pub(crate) fn number(bytes: &[u8], at: usize, size: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}
