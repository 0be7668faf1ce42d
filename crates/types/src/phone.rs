//! Telephone numbers in E.164 form.

use std::{fmt, str::FromStr};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A number in international form: `+` and 7 to 15 digits, the first not zero (ITU-T E.164 §6).
///
/// It identifies a person, so it has no `Display`, and `Debug` shows only that there is one.
#[derive(Clone, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub struct E164(String);

/// Why a text is not an E.164 number. It never repeats the text.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum InvalidNumber {
    /// National numbers are refused: without a country nobody knows where they lead.
    #[error("a telephone number must begin with + and the country code")]
    NoCountryCode,
    /// Something other than digits and the usual separators.
    #[error("a telephone number holds digits and separators only")]
    NotDigits,
    /// Fewer than 7 or more than 15 digits.
    #[error("a telephone number has 7 to 15 digits")]
    Length,
}

impl E164 {
    /// `+` and digits. Named so that each use can be found and asked why.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four digits.
    #[must_use]
    pub fn tail(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }

    /// What a sign-in page or a log may show, in the form that Duo's clients print: `XXX-XXX-4788`.
    #[must_use]
    pub fn masked(tail: &str) -> String {
        format!("XXX-XXX-{tail}")
    }
}

impl FromStr for E164 {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, InvalidNumber> {
        // Room for separators, but a bound before any work.
        if text.len() > 40 {
            return Err(InvalidNumber::Length);
        }
        let Some(rest) = text.trim().strip_prefix('+') else { return Err(InvalidNumber::NoCountryCode) };
        let mut number = String::with_capacity(16);
        number.push('+');
        for c in rest.chars() {
            match c {
                '0'..='9' => number.push(c),
                ' ' | '-' | '.' | '(' | ')' | '/' => {}
                _ => return Err(InvalidNumber::NotDigits),
            }
        }
        match number.as_bytes() {
            [b'+', b'0', ..] => Err(InvalidNumber::NoCountryCode),
            digits if (8..=16).contains(&digits.len()) => Ok(Self(number)),
            _ => Err(InvalidNumber::Length),
        }
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separators_go_and_the_tail_stays() {
        let number: E164 = "+1 (503) 555-0100".parse().unwrap();
        assert_eq!(number.expose(), "+15035550100");
        assert_eq!(E164::masked(number.tail()), "XXX-XXX-0100");
        assert!(!format!("{number:?}").contains("0100"));
    }

    #[test]
    fn refusals() {
        assert_eq!("5035550100".parse::<E164>(), Err(InvalidNumber::NoCountryCode));
        assert_eq!("+05035550100".parse::<E164>(), Err(InvalidNumber::NoCountryCode));
        assert_eq!("+1503555o100".parse::<E164>(), Err(InvalidNumber::NotDigits));
        assert_eq!("+123".parse::<E164>(), Err(InvalidNumber::Length));
        assert_eq!("+1234567890123456".parse::<E164>(), Err(InvalidNumber::Length));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_canonical(text in "\\PC{0,45}") {
            if let Ok(number) = text.parse::<E164>() {
                prop_assert_eq!(number.expose().parse::<E164>(), Ok(number.clone()));
            }
        }

        #[test]
        fn every_spelling_is_one_number(digits in "[1-9][0-9]{7,14}", cut in 1_usize..7) {
            let plain: E164 = format!("+{digits}").parse().unwrap();
            let (a, b) = digits.split_at(cut);
            prop_assert_eq!(format!(" +{a} ({b})").parse::<E164>(), Ok(plain));
        }
    }
}
