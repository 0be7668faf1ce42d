//! Numbers as people write them: with a trunk prefix, with the prefix that is dialled for abroad, with letters of a keypad.

use crate::{
    Unparsed,
    pattern::Pattern,
    table::{Region, TABLE},
};
use types::E164;

/// The longest text that is looked at, in characters.
const LONGEST: usize = 250;
/// The fewest digits of a number inside its country.
const FEWEST: usize = 2;
/// The most.
const MOST: usize = 17;

/// Reads a number as people write it. `region`: two letters of ISO 3166, where a number without `+` would be dialled.
///
/// An extension (`ext. 12`, `x12`, `#12`) is left out. The number need not be valid: [`crate::look`] says.
///
/// # Errors
/// The text is no number, has no country, or is shorter or longer than an E.164 number can be.
pub fn parse(text: &str, region: Option<&str>) -> Result<E164, Unparsed> {
    let home = region.and_then(|region| TABLE.named(region));
    let written = Written::read(text)?;
    if home.is_none() && !written.plus {
        return Err(Unparsed::InvalidCountryCode);
    }
    let with_code = |plus: bool| code(&written.digits, plus, home.as_ref());
    let found = match with_code(written.plus) {
        // Somebody put a plus before a number of his own country.
        Err(Unparsed::InvalidCountryCode) if written.plus => match with_code(false)? {
            None => return Err(Unparsed::InvalidCountryCode),
            found => found,
        },
        found => found?,
    };
    let (region, national) = match found {
        // A number of a code that is home's is read with home's rules, even if the code is mainly another region's.
        Some((main, national)) => (home.filter(|home| home.country() == main.country()).unwrap_or(main), national),
        None => (home.ok_or(Unparsed::InvalidCountryCode)?, written.digits.clone()),
    };
    if national.len() < FEWEST {
        return Err(Unparsed::TooShort);
    }
    let stripped = without_prefix(&national, &region);
    // What is left must have a length of its own; otherwise it was no prefix.
    let national = if is_long_enough(&stripped, &region) { stripped } else { national };
    if national.len() > MOST {
        return Err(Unparsed::TooLong);
    }
    let digits: String = national.iter().map(|&digit| char::from(digit)).collect();
    let whole = format!("+{}{digits}", region.calling_code());
    whole.parse().map_err(|_| if whole.len() < 9 { Unparsed::TooShort } else { Unparsed::TooLong })
}

/// A text's digits.
struct Written {
    plus: bool,
    digits: Vec<u8>,
}

impl Written {
    fn read(text: &str) -> Result<Self, Unparsed> {
        if text.chars().count() > LONGEST {
            return Err(Unparsed::TooLong);
        }
        let is_plus = |c: char| c == '+' || c == '\u{ff0b}';
        let start = text.find(|c: char| is_plus(c) || digit_of(c).is_some()).ok_or(Unparsed::NotANumber)?;
        let text = text.get(start..).unwrap_or_default().trim_end_matches(|c: char| !c.is_alphanumeric() && c != '#');
        let rest = text.trim_start_matches(is_plus);
        let plus = rest.len() < text.len();
        let rest = without_extension(rest);
        let mut digits = Vec::with_capacity(16);
        // With letters of the keypad, which count if they are three or more.
        let mut spelt = Vec::new();
        let mut letters = 0;
        for c in rest.chars() {
            match (digit_of(c), key_of(c)) {
                (Some(digit), _) => {
                    digits.push(digit);
                    spelt.push(digit);
                }
                // Letters stand behind digits only.
                (None, Some(key)) if digits.len() >= 3 => {
                    letters += 1;
                    spelt.push(key);
                }
                _ if is_punctuation(c) => {}
                _ => return Err(Unparsed::NotANumber),
            }
        }
        let digits = if letters >= 3 { spelt } else { digits };
        if digits.len() < FEWEST || (digits.len() == FEWEST && rest.len() > FEWEST) {
            return Err(Unparsed::NotANumber);
        }
        Ok(Self { plus, digits })
    }
}

fn without_extension(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let marks = [";ext=", "ext", "extn", "#", "x", ";", ","];
    // Where a mark is followed by digits and nothing else.
    let is_extension = |at: usize, mark: &str| {
        let behind = lower.get(at + mark.len()..).unwrap_or_default();
        let behind = behind.trim_matches(|c: char| matches!(c, ' ' | '.' | ':' | '#' | '\u{a0}' | ','));
        !behind.is_empty() && behind.len() <= 20 && behind.bytes().all(|byte| byte.is_ascii_digit())
    };
    let cut = marks.iter().filter_map(|mark| lower.find(mark).filter(|at| is_extension(*at, mark))).min();
    let Some(cut) = cut else { return text };
    let before = text.get(..cut).unwrap_or_default();
    if before.chars().filter(|c| digit_of(*c).is_some()).count() < 3 { text } else { before }
}

/// European, full-width and Arabic digits, as `b'0'` to `b'9'`.
fn digit_of(c: char) -> Option<u8> {
    let value = u32::from(c);
    [0x30, 0xff10, 0x660, 0x6f0]
        .into_iter()
        .find_map(|zero: u32| value.checked_sub(zero).filter(|digit| *digit < 10))
        .and_then(|digit| u8::try_from(digit).ok())
        .map(|digit| digit + b'0')
}

/// The key that a letter stands on (ITU-T E.161).
const fn key_of(c: char) -> Option<u8> {
    Some(match c.to_ascii_lowercase() {
        'a'..='c' => b'2',
        'd'..='f' => b'3',
        'g'..='i' => b'4',
        'j'..='l' => b'5',
        'm'..='o' => b'6',
        'p'..='s' => b'7',
        't'..='v' => b'8',
        'w'..='z' => b'9',
        _ => return None,
    })
}

fn is_punctuation(c: char) -> bool {
    matches!(c,
        '-' | 'x' | ' ' | '(' | ')' | '.' | '[' | ']' | '/' | '~' | '*' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}'
        | '\u{ff0d}'..='\u{ff0f}' | '\u{a0}' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{3000}' | '\u{ff08}' | '\u{ff09}'
        | '\u{ff3b}' | '\u{ff3d}' | '\u{2053}' | '\u{223c}' | '\u{ff5e}')
}

/// The region whose calling code the digits begin with, and the rest; `None` where they begin with none.
fn code(digits: &[u8], plus: bool, home: Option<&Region>) -> Result<Option<(Region, Vec<u8>)>, Unparsed> {
    let split = |digits: &[u8]| {
        if digits.len() <= FEWEST {
            return Err(Unparsed::TooShort);
        }
        let (main, national) = TABLE.split(digits).ok_or(Unparsed::InvalidCountryCode)?;
        Ok(Some((main, national.to_vec())))
    };
    if plus {
        return split(digits);
    }
    let Some(home) = home else { return Ok(None) };
    let programs = TABLE.programs();
    let abroad = Pattern::at(programs, home.international_prefix()).and_then(|pattern| pattern.prefix(digits));
    if let Some(abroad) = abroad {
        let rest = digits.get(abroad.end..).unwrap_or_default();
        // No calling code begins with a zero, so that was no prefix for abroad.
        if rest.first() != Some(&b'0') {
            return split(rest);
        }
    }
    // Its own country's code without a plus.
    let Some(rest) = digits.strip_prefix(home.calling_code().as_bytes()) else { return Ok(None) };
    let rest = without_prefix(rest, home);
    let is_number = |digits: &[u8]| is_number(digits, home);
    if (!is_number(digits) && is_number(&rest)) || is_too_long(digits, home) {
        return Ok(TABLE.split(home.calling_code().as_bytes()).map(|(main, _)| (main, rest)));
    }
    Ok(None)
}

/// Without the trunk prefix and what else is dialled before a number inside a country.
fn without_prefix(digits: &[u8], region: &Region) -> Vec<u8> {
    let programs = TABLE.programs();
    let Some(pattern) = Pattern::at(programs, region.national_prefix()) else { return digits.to_vec() };
    let Some(found) = pattern.prefix(digits) else { return digits.to_vec() };
    let rest = digits.get(found.end..).unwrap_or_default();
    let transform =
        TABLE.transform(region).filter(|_| pattern.groups() > 0 && found.group(pattern.groups(), digits).is_some());
    let stripped = match transform {
        None => rest.to_vec(),
        Some(rule) => {
            let mut made = Vec::with_capacity(MOST);
            let mut signs = rule.bytes();
            while let Some(sign) = signs.next() {
                match sign {
                    b'\\' => {
                        let which = signs.next().and_then(|sign| sign.checked_sub(b'0')).map_or(0, usize::from);
                        made.extend_from_slice(found.group(which, digits).unwrap_or_default());
                    }
                    digit => made.push(digit),
                }
            }
            made.extend_from_slice(rest);
            made
        }
    };
    // What was a number before must be one afterwards.
    if is_number(digits, region) && !is_number(&stripped, region) { digits.to_vec() } else { stripped }
}

fn is_number(digits: &[u8], region: &Region) -> bool {
    Pattern::at(TABLE.programs(), region.any_number()).is_some_and(|pattern| pattern.is_whole(digits))
}

fn bit(digits: &[u8]) -> u32 {
    u32::try_from(digits.len()).ok().and_then(|length| 1_u32.checked_shl(length)).unwrap_or(0)
}

/// Longer than any number there.
fn is_too_long(digits: &[u8], region: &Region) -> bool {
    let this = bit(digits);
    region.local_lengths() & this == 0 && (this == 0 || this > region.possible_lengths())
}

/// Possible, or longer than that.
fn is_long_enough(digits: &[u8], region: &Region) -> bool {
    let this = bit(digits);
    region.local_lengths() & this == 0 && (region.possible_lengths() & this != 0 || is_too_long(digits, region))
}
