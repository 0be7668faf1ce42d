//! What a telephone number's digits tell.

mod facts;

pub use facts::{Facts, Kind, Unparsed, Validity};

use types::E164;

/// What the digits tell.
#[must_use]
pub fn look(number: &E164) -> Facts {
    let _ = number;
    Facts::UNKNOWN
}

/// Reads a number as people write it. `region`: two letters of ISO 3166, where a number without `+` would be dialled.
///
/// # Errors
/// The text is no number, or lacks a country.
pub fn parse(text: &str, region: Option<&str>) -> Result<E164, Unparsed> {
    let _ = region;
    text.parse().map_err(|_| Unparsed::NotANumber)
}

/// As it is written inside its country.
#[must_use]
pub fn national_format(number: &E164) -> String {
    number.expose().to_owned()
}
