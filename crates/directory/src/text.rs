//! Texts from outside, within bounds.

use crate::DirectoryError;
use types::{Normalization, UserName};

/// A text of one line: at most `most` bytes, no control characters, no white space at its ends.
pub(crate) fn line(text: &str, most: usize, what: &'static str) -> Result<String, DirectoryError> {
    let text = text.trim();
    if text.len() > most || text.chars().any(char::is_control) {
        return Err(DirectoryError::Invalid(what));
    }
    Ok(text.to_owned())
}

/// As [`line`], and not empty.
pub(crate) fn name(text: &str, most: usize, what: &'static str) -> Result<String, DirectoryError> {
    match line(text, most, what)? {
        text if text.is_empty() => Err(DirectoryError::Invalid(what)),
        text => Ok(text),
    }
}

/// A text that may have several lines.
pub(crate) fn lines(text: &str, most: usize, what: &'static str) -> Result<String, DirectoryError> {
    if text.len() > most || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(DirectoryError::Invalid(what));
    }
    Ok(text.to_owned())
}

/// A mail address, or nothing. Whether mail reaches it only mail can tell.
pub(crate) fn email(text: &str) -> Result<String, DirectoryError> {
    let text = line(text, 254, "email")?;
    let plausible = match text.rsplit_once('@') {
        Some((local, domain)) => !local.is_empty() && !domain.is_empty(),
        None => false,
    };
    if text.is_empty() || plausible && !text.contains(char::is_whitespace) {
        return Ok(text);
    }
    Err(DirectoryError::Invalid("email"))
}

/// The form in which a user name or an alias is stored and looked up. Names are stored as they are: what an integration's
/// normalisation strips, it strips from what is typed there.
pub(crate) fn user_name(text: &str, what: &'static str) -> Result<UserName, DirectoryError> {
    UserName::new(text, Normalization::None).map_err(|_| DirectoryError::Invalid(what))
}

/// Whole seconds, minutes or whatever `what` is counted in.
pub(crate) fn within(
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    what: &'static str,
) -> Result<i64, DirectoryError> {
    if range.contains(&value) { Ok(value) } else { Err(DirectoryError::Invalid(what)) }
}
