//! Takes fields off the front of a PDU's body.

use super::Malformed;

/// The longest C-octet string that is read. SMPP 3.4 allows 65 at most (a message id or an address); some SMSCs give longer ids.
const MAX_CSTRING: usize = 256;

/// What is left of a body.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*first))
    }

    /// Octets up to a NUL, which is taken off and not given.
    pub(super) fn cstring(&mut self) -> Result<&'a [u8], Malformed> {
        let end = self.0.iter().take(MAX_CSTRING).position(|&byte| byte == 0).ok_or(Malformed::Unterminated)?;
        let (text, rest) = self.0.split_at_checked(end).ok_or(Malformed::Short)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Ok(text)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }
}
