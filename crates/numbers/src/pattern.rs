//! The few patterns that are tried at run time, when a number is read: prefixes that are dialled, and what a region's numbers look
//! like. Programs as `xtask/numbers/patterns.py` writes them: how many groups, then three bytes an instruction.

use crate::automaton::number;

const DIGIT: u8 = 0;
const SPLIT: u8 = 1;
const JUMP: u8 = 2;
const SAVE: u8 = 3;
const END: u8 = 4;
const DONE: u8 = 5;

/// No pattern of the table needs a tenth of it for the digits of a number.
const STEPS: u32 = 20_000;

/// The most groups that a pattern has.
const GROUPS: usize = 4;

/// A pattern, by its place in the programs.
#[derive(Clone, Copy)]
pub(crate) struct Pattern<'p> {
    programs: &'p [u8],
    at: usize,
}

/// Where a pattern matched: it begins at the first digit.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Digits that it took.
    pub(crate) end: usize,
    saved: [Option<usize>; 2 * GROUPS],
}

impl Match {
    /// What the group took; the first is 1.
    pub(crate) fn group<'d>(&self, which: usize, digits: &'d [u8]) -> Option<&'d [u8]> {
        let saved = |place: usize| self.saved.get(place).copied().flatten();
        let first = which.checked_sub(1)?;
        digits.get(saved(2 * first)?..saved(2 * first + 1)?)
    }
}

struct Run<'p> {
    programs: &'p [u8],
    digits: &'p [u8],
    whole: bool,
    steps: u32,
}

impl<'p> Pattern<'p> {
    /// The pattern there; none at 0.
    pub(crate) fn at(programs: &'p [u8], at: u32) -> Option<Self> {
        let at = usize::try_from(at).ok()?;
        (at != 0 && at < programs.len()).then_some(Self { programs, at })
    }

    pub(crate) fn groups(&self) -> usize {
        self.programs.get(self.at).copied().map_or(0, usize::from)
    }

    /// The first way in which the digits begin with the pattern.
    pub(crate) fn prefix(&self, digits: &'p [u8]) -> Option<Match> {
        self.run(digits, false)
    }

    /// Whether all the digits are the pattern.
    pub(crate) fn is_whole(&self, digits: &'p [u8]) -> bool {
        self.run(digits, true).is_some()
    }

    fn run(&self, digits: &'p [u8], whole: bool) -> Option<Match> {
        let mut run = Run { programs: self.programs.get(self.at + 1..)?, digits, whole, steps: STEPS };
        run.from(0, Match::default())
    }
}

impl Run<'_> {
    fn from(&mut self, mut at: usize, mut found: Match) -> Option<Match> {
        loop {
            self.steps = self.steps.checked_sub(1)?;
            let what = *self.programs.get(at * 3)?;
            let value = number(self.programs, at * 3 + 1, 2)?;
            let target = usize::try_from(value).ok()?;
            at += 1;
            match what {
                DIGIT => {
                    let digit = self.digits.get(found.end)?.checked_sub(b'0').filter(|digit| *digit < 10)?;
                    if value >> digit & 1 == 0 {
                        return None;
                    }
                    found.end += 1;
                }
                SPLIT => {
                    if let Some(done) = self.from(at, found) {
                        return Some(done);
                    }
                    at = target;
                }
                JUMP => at = target,
                SAVE => *found.saved.get_mut(target.checked_sub(2)?)? = Some(found.end),
                END if found.end == self.digits.len() => {}
                DONE if !self.whole || found.end == self.digits.len() => return Some(found),
                _ => return None,
            }
        }
    }
}
