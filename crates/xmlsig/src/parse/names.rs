//! Which characters XML 1.0 (fifth edition) allows, and where.

use super::Parser;
use crate::XmlError;

/// XML 1.0, production 2.
pub(crate) const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// XML 1.0, production 4, without the colon (Namespaces in XML 1.0, production 4).
const fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// XML 1.0, production 4a, without the colon.
const fn is_name(character: char) -> bool {
    is_name_start(character)
        || matches!(character, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// A name as it was written, and its two parts.
#[derive(Clone, Copy)]
pub(super) struct QName<'s> {
    pub(super) written: &'s str,
    pub(super) prefix: &'s str,
    pub(super) local: &'s str,
}

impl<'s> Parser<'s> {
    /// A name with at most one colon (Namespaces in XML 1.0, production 7).
    pub(super) fn qualified_name(&mut self) -> Result<QName<'s>, XmlError> {
        let written = self.cursor.take_while(|character| character == ':' || is_name(character));
        if written.len() > self.limits.name {
            return Err(XmlError::Limit("octets in a name"));
        }
        let (prefix, local) = written.split_once(':').map_or(("", written), |both| both);
        let is_plain = |part: &str| part.starts_with(is_name_start) && !part.contains(':');
        let prefix_fits = prefix.is_empty() || is_plain(prefix);
        if !is_plain(local) || !prefix_fits || written.starts_with(':') {
            return Err(XmlError::Syntax("a name"));
        }
        Ok(QName { written, prefix, local })
    }
}
