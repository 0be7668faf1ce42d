//! `data/numbers.bin`, as `xtask/numbers/table.py` writes it.

use crate::automaton::{Automaton, number};
use std::sync::LazyLock;

static DATA: &[u8] = include_bytes!("../data/numbers.bin");

/// The one table.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(DATA));

/// Bytes of a region's row.
const ROW: usize = 32;

pub(crate) struct Table {
    kinds: Automaton,
    outcomes: &'static [u8],
    formats: Automaton,
    layouts: Text,
    carriers: Automaton,
    carrier_names: Text,
    places: Automaton,
    place_names: Text,
    regions: &'static [u8],
    codes: &'static [u8],
    programs: &'static [u8],
    transforms: Text,
}

/// What a line is, in the table's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    None,
    Landline,
    Mobile,
    Either,
    TollFree,
    Premium,
    SharedCost,
    Voip,
    Personal,
    Pager,
    Uan,
    Voicemail,
}

impl Line {
    const fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Landline,
            2 => Self::Mobile,
            3 => Self::Either,
            4 => Self::TollFree,
            5 => Self::Premium,
            6 => Self::SharedCost,
            7 => Self::Voip,
            8 => Self::Personal,
            9 => Self::Pager,
            10 => Self::Uan,
            11 => Self::Voicemail,
            _ => Self::None,
        }
    }
}

impl Table {
    fn read(data: &'static [u8]) -> Self {
        let section = |which: usize| {
            let at = |place: usize| number(data, place, 4).and_then(|place| usize::try_from(place).ok()).unwrap_or(0);
            let (start, length) = (at(8 + 8 * which), at(12 + 8 * which));
            data.get(start..start.saturating_add(length)).unwrap_or_default()
        };
        Self {
            kinds: Automaton(section(0)),
            outcomes: section(1),
            formats: Automaton(section(2)),
            layouts: Text(section(3)),
            carriers: Automaton(section(4)),
            carrier_names: Text(section(5)),
            places: Automaton(section(6)),
            place_names: Text(section(7)),
            regions: section(8),
            codes: section(9),
            programs: section(10),
            transforms: Text(section(11)),
        }
    }

    /// The region that a calling code mainly belongs to, and the digits behind the code.
    pub(crate) fn split<'d>(&self, digits: &'d [u8]) -> Option<(Region, &'d [u8])> {
        let mut code = 0_usize;
        for (place, digit) in digits.iter().take(3).enumerate() {
            code = code * 10 + usize::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
            // No code begins with a zero, so none is met twice under another number of digits.
            if code == 0 {
                return None;
            }
            let region = number(self.codes, code * 2, 2).and_then(|region| usize::try_from(region).ok()).unwrap_or(0);
            if region != 0 {
                return Some((self.region(region)?, digits.get(place + 1..).unwrap_or_default()));
            }
        }
        None
    }

    /// The region that a number is in, and what line it is there.
    pub(crate) fn outcome(&self, digits: &[u8]) -> (Option<Region>, Line) {
        let label = self.kinds.whole(digits);
        let at = usize::try_from(label).unwrap_or(0) * 3;
        let region = number(self.outcomes, at, 2).and_then(|region| usize::try_from(region).ok()).unwrap_or(0);
        (self.region(region), Line::of(self.outcomes.get(at + 2).copied().unwrap_or(0)))
    }

    pub(crate) fn layout(&self, digits: &[u8]) -> Option<&'static str> {
        self.layouts.entry(self.formats.whole(digits))
    }

    /// The carrier's name, and its network's code.
    pub(crate) fn carrier(&self, digits: &[u8]) -> (Option<&'static str>, Option<&'static str>) {
        let entry = self.carrier_names.entry(self.carriers.longest(digits.iter().copied()));
        let Some((name, network)) = entry.and_then(|entry| entry.split_once('\t')) else { return (None, None) };
        (Some(name), Some(network).filter(|network| !network.is_empty()))
    }

    pub(crate) fn place(&self, main: &Region, national: &[u8]) -> Option<&'static str> {
        // A token that marks mobile numbers when they are dialled from abroad stands before the area code (9 in Argentina).
        let national = main.mobile_token().and_then(|token| national.strip_prefix(&[token])).unwrap_or(national);
        let digits = main.calling_code().bytes().chain(national.iter().copied());
        self.place_names.entry(self.places.longest(digits))
    }

    pub(crate) fn regions(&self) -> impl Iterator<Item = Region> {
        self.regions.chunks_exact(ROW).skip(1).map(Region)
    }

    pub(crate) fn named(&self, country: &str) -> Option<Region> {
        self.regions().find(|region| country.len() == 2 && region.country().eq_ignore_ascii_case(country))
    }

    pub(crate) const fn programs(&self) -> &'static [u8] {
        self.programs
    }

    pub(crate) fn transform(&self, region: &Region) -> Option<&'static str> {
        self.transforms.entry(region.number(21, 2))
    }

    fn region(&self, which: usize) -> Option<Region> {
        if which == 0 {
            return None;
        }
        self.regions.get(which * ROW..(which + 1) * ROW).map(Region)
    }
}

/// A region's row.
#[derive(Clone, Copy)]
pub(crate) struct Region(&'static [u8]);

impl Region {
    fn number(&self, at: usize, size: usize) -> u32 {
        number(self.0, at, size).unwrap_or(0)
    }

    fn text(&self, at: usize, size: usize) -> &'static str {
        let bytes = self.0.get(at..at + size).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default().trim_end_matches('\0')
    }

    pub(crate) fn country(&self) -> &'static str {
        self.text(0, 2)
    }

    pub(crate) fn calling_code(&self) -> &'static str {
        self.text(25, 3)
    }

    /// Bit n: numbers of n digits exist.
    pub(crate) fn possible_lengths(&self) -> u32 {
        self.number(4, 4)
    }

    /// Bit n: numbers of n digits exist, which are dialled only within an area.
    pub(crate) fn local_lengths(&self) -> u32 {
        self.number(8, 4)
    }

    /// Where the pattern of the international prefix stands among the programs; 0 for none.
    pub(crate) fn international_prefix(&self) -> u32 {
        self.number(12, 3)
    }

    pub(crate) fn national_prefix(&self) -> u32 {
        self.number(15, 3)
    }

    pub(crate) fn any_number(&self) -> u32 {
        self.number(18, 3)
    }

    pub(crate) fn mobiles_have_places(&self) -> bool {
        self.number(23, 1) != 0
    }

    /// Whether other regions have the same calling code.
    pub(crate) fn shared(&self) -> bool {
        self.number(24, 1) != 0
    }

    fn mobile_token(&self) -> Option<u8> {
        self.0.get(28).copied().filter(|token| *token != 0)
    }
}

/// Strings by number: how many, where each begins (three bytes), then all of them. Number 0 is none.
#[derive(Clone, Copy)]
struct Text(&'static [u8]);

impl Text {
    fn entry(self, which: u32) -> Option<&'static str> {
        let count = number(self.0, 0, 4)?;
        if which == 0 || which >= count {
            return None;
        }
        let base = 4 + 3 * (usize::try_from(count).ok()? + 1);
        let place =
            |which: u32| Some(base + usize::try_from(number(self.0, 4 + 3 * usize::try_from(which).ok()?, 3)?).ok()?);
        std::str::from_utf8(self.0.get(place(which)?..place(which + 1)?)?).ok()
    }
}
