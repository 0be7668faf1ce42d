//! The search: every form in which one of the numbers could lie in some bytes.

#![expect(
    clippy::indexing_slicing,
    reason = "places that the search has found itself; a fixture for tests may stop with a panic"
)]

use aho_corasick::AhoCorasick;
use flate2::read::GzDecoder;
use std::{collections::HashSet, io::Read as _};

/// A number that was found.
#[derive(Debug)]
pub struct Hit {
    /// In which form: one of those that [`forms`](super::forms) names, or a near one.
    pub form: &'static str,
    /// At which byte it begins.
    pub at: usize,
    /// Which one: its digits behind `+49151`; of the form `last seven` the last seven of them.
    pub subscriber: u32,
}

/// Six bytes behind base64. In megabytes of ciphertext one of fifty thousand stands by chance in one search of thirty.
const BYTES_IN_BASE64: &str = "base64 of an integer";
/// The end of a number.
const TAIL: &str = "last seven";

impl Hit {
    /// Whether its form is so short that some bytes have it by chance. Where numbers are kept, hundreds of hits have it, or none.
    #[must_use]
    pub fn may_be_chance(&self) -> bool {
        [BYTES_IN_BASE64, TAIL].contains(&self.form)
    }
}

/// What is looked for.
pub struct Loot {
    numbers: HashSet<u32>,
    /// The last seven digits, of some of the numbers: of fifty thousand every other run of seven digits would be one by chance.
    tails: HashSet<u32>,
    starts: AhoCorasick,
}

/// How each form begins, from the first digit on that all numbers share. `151` begins the national number.
const STARTS: [&[u8]; 11] = [
    b"151",
    b"313531",
    b"1\x005\x001\0",
    // Packed, the first digit in the upper or the lower half of a byte; and the same with the halves of bytes swapped, as in SMS.
    b"\x49\x15",
    b"\x91\x51",
    b"\x94\x51",
    b"\x19\x15",
    b"\x1f\x8b\x08",
    // `7` is no digit of base64 of digits, but every such run has one of the letters that three digits give.
    b"MTUx",
    // The whole number as an integer: its upper two bytes of six, before the others or behind them.
    b"\x04\x78",
    b"\x78\x04",
];

/// What stands before the subscriber's eight digits.
const BEFORE: u64 = 49_151 * 100_000_000;

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Loot {
    /// Looks for all of them, by their digits behind `+49151`, and for the last seven digits alone of each `tails`th.
    ///
    /// # Panics
    /// Never: the beginnings that are looked for are written here.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "the beginnings are written here, and few")]
    pub fn new(subscribers: impl Iterator<Item = u32>, tails: usize) -> Self {
        let numbers: HashSet<u32> = subscribers.collect();
        let mut every: Vec<u32> = numbers.iter().copied().collect();
        every.sort_unstable();
        let tails = every.iter().step_by(tails).map(|number| number % 10_000_000).collect();
        Self { numbers, tails, starts: AhoCorasick::new(STARTS).unwrap() }
    }

    fn known(&self, digits: impl Iterator<Item = Option<u8>>) -> Option<u32> {
        let mut value = 0_u32;
        let mut count = 0;
        for digit in digits.take(8) {
            value = value * 10 + u32::from(digit.filter(|digit| *digit < 10)?);
            count += 1;
        }
        (count == 8 && self.numbers.contains(&value)).then_some(value)
    }

    fn integer(&self, bytes: impl Iterator<Item = u8>) -> Option<u32> {
        let value = bytes.fold(0_u64, |value, byte| value << 8 | u64::from(byte));
        let subscriber = u32::try_from(value.checked_sub(BEFORE)?).ok()?;
        self.numbers.contains(&subscriber).then_some(subscriber)
    }

    /// Everything that stands in the bytes.
    #[must_use]
    pub fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = self.plain(bytes, true);
        self.runs(bytes, &mut hits);
        hits
    }

    fn plain(&self, bytes: &[u8], deeper: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        let ascii = |byte: &u8| Some(byte.wrapping_sub(b'0'));
        let nibble = |at: usize| {
            let byte = bytes.get(at / 2)?;
            Some(if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
        };
        let swapped = |at: usize| nibble(at ^ 1);
        for found in self.starts.find_overlapping_iter(bytes) {
            let (start, end) = (found.start(), found.end());
            let rest = &bytes[end..];
            // The number's first digit, `4`, where a packed form doesn't begin with it.
            let four = |digit: Option<u8>| digit == Some(4);
            let found = match found.pattern().as_usize() {
                0 => {
                    let behind = bytes[..start].iter().rev().map(ascii);
                    let forward = self.known(rest.iter().map(ascii)).map(|known| ("digits", known));
                    // `151` reversed is `151`.
                    let digits: Vec<Option<u8>> = behind.take(8).collect();
                    forward.or_else(|| self.known(digits.into_iter()).map(|known| ("reversed", known)))
                }
                1 => {
                    let digits = rest.chunks_exact(2).map(|pair| (pair[0] == b'3').then(|| pair[1].wrapping_sub(b'0')));
                    self.known(digits).map(|known| ("hexadecimal", known))
                }
                2 => {
                    let digits = rest.chunks(2).enumerate().map(|(n, pair)| {
                        // Behind the last digit anything may stand where the upper byte comes first.
                        (n == 7 || pair.get(1) == Some(&0)).then(|| pair[0].wrapping_sub(b'0'))
                    });
                    // In either order of bytes: what stands before the first digit doesn't matter.
                    self.known(digits).map(|known| ("UTF-16", known))
                }
                3 => (nibble(2 * end) == Some(1))
                    .then(|| self.known((2 * end + 1..).map(nibble)).map(|known| ("packed", known)))
                    .flatten(),
                4 => (start > 0 && four(nibble(2 * start - 1)))
                    .then(|| self.known((2 * end..).map(nibble)).map(|known| ("packed, odd", known)))
                    .flatten(),
                5 => (swapped(2 * end) == Some(1))
                    .then(|| self.known((2 * end + 1..).map(swapped)).map(|known| ("packed, swapped", known)))
                    .flatten(),
                6 => (start > 0 && four(swapped(2 * start - 1)))
                    .then(|| self.known((2 * end..).map(swapped)).map(|known| ("packed, swapped, odd", known)))
                    .flatten(),
                9 => (rest.len() >= 4)
                    .then(|| self.integer(bytes[start..end + 4].iter().copied()))
                    .flatten()
                    .map(|known| ("integer, big-endian", known)),
                10 => (start >= 4)
                    .then(|| self.integer(bytes[start - 4..end].iter().rev().copied()))
                    .flatten()
                    .map(|known| ("integer, little-endian", known)),
                7 if deeper => {
                    let mut inflated = Vec::new();
                    // As much as there is, before it ends or is no gzip.
                    let _ = GzDecoder::new(&bytes[start..]).take(1 << 24).read_to_end(&mut inflated);
                    hits.extend(self.plain(&inflated, false).into_iter().map(|hit| Hit {
                        form: "gzip",
                        at: start,
                        ..hit
                    }));
                    None
                }
                _ => None,
            };
            hits.extend(found.map(|(form, subscriber)| Hit { form, at: start, subscriber }));
        }
        hits
    }

    /// Runs of seven digits, and runs of base64.
    fn runs(&self, bytes: &[u8], hits: &mut Vec<Hit>) {
        static KIND: std::sync::OnceLock<[u8; 256]> = std::sync::OnceLock::new();
        let kinds = KIND.get_or_init(|| {
            let mut kinds = [0; 256];
            BASE64.iter().for_each(|byte| kinds[usize::from(*byte)] = 1);
            b"-_".iter().for_each(|byte| kinds[usize::from(*byte)] = 1);
            (b'0'..=b'9').for_each(|byte| kinds[usize::from(byte)] = 2);
            kinds
        });
        let (mut run, mut digits) = (0_usize, 0_usize);
        for (at, byte) in bytes.iter().chain(&[0]).enumerate() {
            match kinds[usize::from(*byte)] {
                2 => (run, digits) = (run + 1, digits + 1),
                kind => {
                    if digits == 7 {
                        let value =
                            bytes[at - 7..at].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
                        if self.tails.contains(&value) {
                            hits.push(Hit { form: TAIL, at, subscriber: value });
                        }
                    }
                    digits = 0;
                    if kind == 1 {
                        run += 1;
                        continue;
                    }
                    // Eleven digits and what stands before take sixteen letters; a run of digits only is none.
                    if run >= 15 {
                        self.base64(&bytes[at - run..at], at - run, hits);
                    }
                    run = 0;
                }
            }
        }
    }

    /// Whatever a run of letters holds, wherever it begins.
    fn base64(&self, run: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let letters: Vec<u8> = run
            .iter()
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte => *byte,
            })
            .collect();
        for phase in 0..4.min(letters.len()) {
            let whole = (letters.len() - phase) / 4 * 4;
            let Ok(decoded) = data_encoding::BASE64.decode(&letters[phase..phase + whole]) else { continue };
            let form = |of: &str| if of.starts_with("integer") { BYTES_IN_BASE64 } else { "base64" };
            hits.extend(self.plain(&decoded, false).into_iter().map(|hit| Hit { form: form(hit.form), at, ..hit }));
        }
    }
}
