//! Text, attributes' values, comments and references: the only places whose octets are kept.

use super::{Parser, names::is_character};
use crate::{
    XmlError,
    document::{Kind, Span},
};

impl Parser<'_> {
    /// Text up to the next tag: one node. Line ends become `\n` (XML 1.0, 2.11).
    pub(super) fn character_data(&mut self) -> Result<(), XmlError> {
        let start = self.document.text.len();
        // `]]>` must not stand in text (XML 1.0, production 14).
        let mut brackets = 0_u8;
        loop {
            let Some(character) = self.cursor.peek() else { return Err(XmlError::Syntax("an end tag")) };
            if character == '<' {
                break;
            }
            self.cursor.next();
            let (kept, written) = match character {
                '&' => (self.reference()?, false),
                '\r' => {
                    self.cursor.eat("\n");
                    ('\n', true)
                }
                other => (checked(other)?, true),
            };
            if kept == '>' && written && brackets >= 2 {
                return Err(XmlError::Syntax("no ]]> in text"));
            }
            brackets = if kept == ']' && written { brackets.saturating_add(1) } else { 0 };
            self.keep(start, kept)?;
        }
        let span = self.since(start);
        self.add(Kind::Text(span)).map(drop)
    }

    /// A quoted value; white space becomes blanks (XML 1.0, 3.3.3).
    pub(super) fn attribute_value(&mut self) -> Result<Span, XmlError> {
        let quote = self.cursor.quote().ok_or(XmlError::Syntax("a quoted value"))?;
        let start = self.document.text.len();
        loop {
            let character = self.cursor.next().ok_or(XmlError::Syntax("the end of a value"))?;
            let kept = match character {
                '<' => return Err(XmlError::Syntax("no < in a value")),
                '&' => self.reference()?,
                '\r' => {
                    self.cursor.eat("\n");
                    ' '
                }
                '\n' | '\t' => ' ',
                end if end == quote => return Ok(self.since(start)),
                other => checked(other)?,
            };
            self.keep(start, kept)?;
        }
    }

    /// What stands between `<!--` and `-->`; two hyphens end it (XML 1.0, production 15).
    pub(super) fn comment(&mut self) -> Result<Span, XmlError> {
        let start = self.document.text.len();
        loop {
            if self.cursor.eat("--") {
                return if self.cursor.eat(">") {
                    Ok(self.since(start))
                } else {
                    Err(XmlError::Syntax("no -- in a comment"))
                };
            }
            let kept = match self.cursor.next().ok_or(XmlError::Syntax("the end of a comment"))? {
                '\r' => {
                    self.cursor.eat("\n");
                    '\n'
                }
                other => checked(other)?,
            };
            self.keep(start, kept)?;
        }
    }

    /// What follows `&`: one of the five entities that XML brings along, or a character's number.
    fn reference(&mut self) -> Result<char, XmlError> {
        if !self.cursor.eat("#") {
            for (name, character) in [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("apos;", '\''), ("quot;", '"')] {
                if self.cursor.eat(name) {
                    return Ok(character);
                }
            }
            return Err(XmlError::Entity);
        }
        let radix = if self.cursor.eat("x") { 16 } else { 10 };
        let mut number = 0_u32;
        let mut digits = 0_u8;
        loop {
            let character = self.cursor.next().ok_or(XmlError::Syntax("the end of a reference"))?;
            if character == ';' && digits > 0 {
                break;
            }
            let digit = character.to_digit(radix).ok_or(XmlError::Syntax("a character's number"))?;
            // The largest has seven digits; a row of zeros has no use.
            digits = digits.saturating_add(1);
            if digits > 8 {
                return Err(XmlError::Character);
            }
            number = number.saturating_mul(radix).saturating_add(digit);
        }
        checked(char::from_u32(number).ok_or(XmlError::Character)?)
    }

    fn keep(&mut self, start: usize, character: char) -> Result<(), XmlError> {
        if self.document.text.len().saturating_sub(start) >= self.limits.text {
            return Err(XmlError::Limit("octets in a text"));
        }
        self.document.text.push(character);
        Ok(())
    }

    /// What was kept since `start`. The source fits 32 bits and its text is never longer than itself.
    fn since(&self, start: usize) -> Span {
        let fit = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        (fit(start), fit(self.document.text.len()))
    }
}

const fn checked(character: char) -> Result<char, XmlError> {
    if is_character(character) { Ok(character) } else { Err(XmlError::Character) }
}
