//! Lists, parameters and quoted strings inside a header's value.

use super::Malformed;

/// The most parameters that are looked at.
const MAX_PARAMS: usize = 64;

/// The values of a header that may hold several, split at commas outside quotes and angle brackets.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    split_outside(value, b',').map(str::trim).filter(|one| !one.is_empty())
}

/// Splits at a character that stands neither in quotes nor in angle brackets.
pub(super) fn split_outside(value: &str, at: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped, mut angle) = (false, false, false);
        for (place, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'<' if !quoted => angle = true,
                b'>' if !quoted => angle = false,
                _ if byte == at && !quoted && !angle => {
                    rest = text.get(place + 1..);
                    return text.get(..place);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

/// A value without its quotes and backslashes, where it has quotes.
#[must_use]
pub fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

/// `;name=value;flag`. Names without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads what follows the first `;`.
    ///
    /// # Errors
    /// A parameter without a name, quotes that don't end, too many.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut found = Vec::new();
        for part in split_outside(text, b';') {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            if found.len() == MAX_PARAMS {
                return Err(Malformed::TooLong);
            }
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            if name.is_empty() || name.contains([' ', '\t', '"', '<', '>', '@', ',']) {
                return Err(Malformed::Header);
            }
            if let Some(value) = value {
                let ends = value.len() > 1 && value.ends_with('"');
                if value.starts_with('"') != value.ends_with('"') || (value.starts_with('"') && !ends) {
                    return Err(Malformed::Header);
                }
            }
            found.push((name.to_owned(), value.map(unquote)));
        }
        Ok(Self(found))
    }

    /// `None`: isn't there. `Some(None)`: without a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        let found = self.0.iter().find(|(one, _)| one.eq_ignore_ascii_case(name))?;
        Some(found.1.as_deref())
    }

    /// The value, where there is one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).flatten()
    }
}
