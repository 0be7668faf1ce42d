//! The part of BER that LDAP uses (RFC 4511, 5.1): definite lengths, one-octet tags.

use super::LdapError;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// Writes an element: tag, length, content.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let used: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
            out.extend(used);
        }
    }
    out.extend_from_slice(content);
}

/// Writes a number that isn't negative.
pub(super) fn put_number(out: &mut Vec<u8>, tag: u8, number: u32) {
    let mut octets: Vec<u8> = number.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
    // Two's complement: the first bit is the sign.
    if octets.first().is_none_or(|first| *first >= 0x80) {
        octets.insert(0, 0);
    }
    put(out, tag, &octets);
}

/// The head of an element: its tag, the octets of its head and of its content. Nothing if there are too few octets to tell.
pub(super) fn head(octets: &[u8]) -> Result<Option<(u8, usize, usize)>, LdapError> {
    let [tag, first, rest @ ..] = octets else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(LdapError::Protocol);
    }
    if *first < 0x80 {
        return Ok(Some((*tag, 2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    // Zero is the indefinite form, which LDAP forbids.
    if !(1..=4).contains(&count) {
        return Err(LdapError::Protocol);
    }
    let Some(digits) = rest.get(..count) else { return Ok(None) };
    let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    Ok(Some((*tag, count.saturating_add(2), length)))
}

/// Reads elements one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<(u8, &'a [u8]), LdapError> {
        let (tag, start, length) = head(self.rest)?.ok_or(LdapError::Protocol)?;
        let end = start.checked_add(length).ok_or(LdapError::Protocol)?;
        let content = self.rest.get(start..end).ok_or(LdapError::Protocol)?;
        self.rest = self.rest.get(end..).unwrap_or(&[]);
        Ok((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], LdapError> {
        match self.any()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(LdapError::Protocol),
        }
    }

    /// A number that isn't negative.
    pub(super) fn number(&mut self, tag: u8) -> Result<u32, LdapError> {
        let content = self.expect(tag)?;
        if content.is_empty() || content.len() > 5 || content.first().is_some_and(|first| *first >= 0x80) {
            return Err(LdapError::Protocol);
        }
        let number = content.iter().fold(0_u64, |number, digit| (number << 8) | u64::from(*digit));
        u32::try_from(number).map_err(|_| LdapError::Protocol)
    }

    /// A text; what isn't UTF-8 is refused.
    pub(super) fn text(&mut self) -> Result<&'a str, LdapError> {
        std::str::from_utf8(self.expect(OCTETS)?).map_err(|_| LdapError::Protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_ldap_forbids_is_refused() {
        assert_eq!(head(&[0x30, 0x80]), Err(LdapError::Protocol));
        assert_eq!(head(&[0x30, 0x85, 0, 0, 0, 0, 1]), Err(LdapError::Protocol));
        assert_eq!(head(&[0x3f, 0x81, 0]), Err(LdapError::Protocol));
        assert_eq!(head(&[0x30]), Ok(None));
        assert_eq!(head(&[0x30, 0x84, 0xff, 0xff]), Ok(None));
        assert_eq!(head(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Ok(Some((0x30, 6, 0xffff_ffff))));
        assert!(Reader::new(&[0x04, 0x05, 1]).any().is_err());
        assert!(Reader::new(&[0x02, 0x01, 0x80]).number(INTEGER).is_err());
        assert!(Reader::new(&[0x02, 0x05, 1, 0, 0, 0, 0]).number(INTEGER).is_err());
    }

    proptest! {
        #[test]
        fn what_is_put_is_read(number in any::<u32>(), octets in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut out = Vec::new();
            put_number(&mut out, INTEGER, number);
            put(&mut out, OCTETS, &octets);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(INTEGER), Ok(number));
            prop_assert_eq!(reader.expect(OCTETS), Ok(&octets[..]));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn whatever_comes_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut reader = Reader::new(&octets);
            while !reader.is_empty() && reader.any().is_ok() {}
        }
    }
}
