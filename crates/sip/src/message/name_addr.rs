//! `"Name" <uri>;params`, as in `From`, `To`, `Contact`, `Route` (RFC 3261 §20.10).

use super::{Malformed, Params, Uri, parse};

/// An address with a name and parameters. The name isn't kept: nobody here reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// The address.
    pub uri: Uri,
    /// The header's parameters, `tag` among them.
    pub params: Params,
}

impl NameAddr {
    /// Reads one.
    ///
    /// # Errors
    /// Quotes or brackets that don't end, something behind them that isn't a parameter, an address that isn't one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let after_name = if text.starts_with('"') { after_quotes(text)? } else { text };
        let Some((name, rest)) = after_name.split_once('<') else {
            if after_name.len() != text.len() {
                return Err(Malformed::Address);
            }
            // Without brackets every parameter is the header's, and the address can't hold a comma or a question mark.
            let (uri, params) = text.split_once(';').unwrap_or((text, ""));
            let uri = uri.trim();
            if uri.contains([',', '?']) {
                return Err(Malformed::Address);
            }
            return Ok(Self { uri: Uri::parse(uri)?, params: Params::parse(params)? });
        };
        if after_name.len() == text.len() {
            let words_are_tokens = name.split_whitespace().all(|word| parse::is_token(word) || !word.is_ascii());
            if !words_are_tokens {
                return Err(Malformed::Address);
            }
        } else if !name.trim().is_empty() {
            return Err(Malformed::Address);
        }
        let (uri, after) = rest.split_once('>').ok_or(Malformed::Address)?;
        let after = after.trim();
        let params = match after.strip_prefix(';') {
            Some(params) => Params::parse(params)?,
            None if after.is_empty() => Params::default(),
            None => return Err(Malformed::Address),
        };
        Ok(Self { uri: Uri::parse(uri.trim())?, params })
    }
}

/// What follows a quoted string.
fn after_quotes(text: &str) -> Result<&str, Malformed> {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.get(place + 1..).ok_or(Malformed::Address),
            _ => {}
        }
    }
    Err(Malformed::Address)
}
