//! What a telephone number's digits tell: country, kind of line, whether it can exist, to which carrier its block was given, where it
//! is, and how it is written and read inside its country.
//!
//! All of it comes from one table (`data/numbers.bin`), which `cargo xtask numbers` makes from the public data of libphonenumber
//! (Apache-2.0, The Libphonenumber Authors; through PyPI's `phonenumbers`) and from the public assignments of mobile network codes
//! (ITU-T E.212; through npm's `mcc-mnc-list`, MIT). The patterns that libphonenumber tries one by one are compiled into automata over
//! digits there, so that [`look`] reads a few bytes a digit and takes less than a microsecond.
//!
//! It never says to which carrier a number belongs *now*: numbers are taken along, and the digits don't show it. It asks nobody, and
//! nothing is fetched when this crate is built.
//!
//! To add a fact: a section in `xtask/numbers/table.py`, its reader in `table.rs`, a field in [`Facts`] and a column of the sample
//! that the tests compare with.

mod automaton;
mod facts;
mod parse;
mod pattern;
mod table;

pub use facts::{Facts, Kind, Unparsed, Validity};
pub use parse::parse;

use table::{Line, Region, TABLE};
use types::E164;

/// Calling codes of satellites and of networks that belong to no country (ITU-T E.164, list of assigned codes).
const SATELLITES: &[&str] = &["870", "881", "882", "883"];

/// What the digits tell. Less than a microsecond, without memory of its own.
#[must_use]
pub fn look(number: &E164) -> Facts {
    let digits = number.expose().as_bytes().get(1..).unwrap_or_default();
    let Some((main, national)) = TABLE.split(digits) else { return Facts::UNKNOWN };
    let (region, line) = TABLE.outcome(digits);
    // Where several countries share a code, only a number that is valid in one of them, or begins as its numbers do, is that one's.
    let country = match region {
        Some(region) => region.country(),
        None if main.shared() => "",
        None => main.country(),
    };
    let calling_code = main.calling_code();
    let kind = match line {
        Line::None => Kind::Unknown,
        _ if SATELLITES.contains(&calling_code) => Kind::Satellite,
        Line::Landline => Kind::Landline,
        Line::Mobile => Kind::Mobile,
        Line::Either => Kind::LandlineOrMobile,
        Line::TollFree => Kind::TollFree,
        Line::Premium => Kind::Premium,
        Line::SharedCost => Kind::SharedCost,
        Line::Voip => Kind::Voip,
        Line::Personal => Kind::Personal,
        Line::Pager => Kind::Pager,
        Line::Uan => Kind::Uan,
        Line::Voicemail => Kind::Voicemail,
    };
    let valid = if line == Line::None { length(&main, national.len()) } else { Validity::Valid };
    let (original_carrier, mcc_mnc) = match line {
        Line::Mobile | Line::Either | Line::Pager => TABLE.carrier(digits),
        _ => (None, None),
    };
    let is_somewhere =
        matches!(line, Line::Landline | Line::Either) || (line == Line::Mobile && main.mobiles_have_places());
    let place = if is_somewhere { TABLE.place(&main, national) } else { None };
    Facts { country, calling_code, kind, valid, original_carrier, mcc_mnc, place }
}

/// As the number is written inside its country, trunk prefix included where people write it; the plain digits where no form is known.
#[must_use]
pub fn national_format(number: &E164) -> String {
    let digits = number.expose().as_bytes().get(1..).unwrap_or_default();
    let text = |digits: &[u8]| digits.iter().map(|&digit| char::from(digit)).collect::<String>();
    let Some((_, national)) = TABLE.split(digits) else { return text(digits) };
    let Some(layout) = TABLE.layout(digits) else { return text(national) };
    let mut following = national.iter();
    let mut written = String::with_capacity(layout.len());
    for sign in layout.chars() {
        match sign {
            '#' => written.extend(following.next().map(|&digit| char::from(digit))),
            '_' => drop(following.next()),
            other => written.push(other),
        }
    }
    written
}

/// The countries that the table knows, two letters of ISO 3166-1 each (`XK` for Kosovo), in no order.
pub fn countries() -> impl Iterator<Item = &'static str> {
    TABLE.regions().map(|region| region.country()).filter(|country| !country.is_empty())
}

/// What is wrong with a number that no block has: its length, or only the block.
fn length(main: &Region, digits: usize) -> Validity {
    let (possible, local) = (main.possible_lengths(), main.local_lengths());
    let this = u32::try_from(digits).ok().and_then(|digits| 1_u32.checked_shl(digits)).unwrap_or(0);
    if local & this != 0 {
        // It lacks its area code.
        Validity::TooShort
    } else if possible & this != 0 {
        Validity::InvalidButPossible
    } else if this == 0 || this > possible {
        Validity::TooLong
    } else if this < possible & possible.wrapping_neg() {
        Validity::TooShort
    } else {
        Validity::InvalidLength
    }
}

#[cfg(test)]
mod tests;
