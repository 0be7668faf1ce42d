//! Optional parameters (SMPP 3.4 §5.3): tag, length, value.

use super::read::Reader;

/// Type of the network's error, and its code: three octets.
pub const NETWORK_ERROR_CODE: u16 = 0x0423;
/// A message of up to 64 KiB, in place of `short_message`.
pub const MESSAGE_PAYLOAD: u16 = 0x0424;
/// What became of a message: [`crate::State`] as one octet.
pub const MESSAGE_STATE: u16 = 0x0427;
/// The id of the message that a receipt is for.
pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
/// Which parts belong together.
pub const SAR_MSG_REF_NUM: u16 = 0x020C;
/// How many parts there are.
pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
/// Which part this is, from 1.
pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
/// The version that an SMSC speaks, in the answer to a bind.
pub const SC_INTERFACE_VERSION: u16 = 0x0210;

/// The optional parameters of a PDU, as they came.
///
/// SMSCs pad and truncate here; what can't be read as a parameter ends the list and isn't an error.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    /// Over encoded parameters ([`put`] makes them).
    #[must_use]
    pub const fn new(encoded: &'a [u8]) -> Self {
        Self(encoded)
    }

    /// As they came.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Tag and value of each.
    pub fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            let tag = reader.u16().ok()?;
            let length = reader.u16().ok()?;
            Some((tag, reader.take(length.into()).ok()?))
        })
    }

    /// The value of the first with this tag.
    #[must_use]
    pub fn get(self, tag: u16) -> Option<&'a [u8]> {
        self.iter().find_map(|(found, value)| (found == tag).then_some(value))
    }

    /// A value of one octet.
    #[must_use]
    pub fn octet(self, tag: u16) -> Option<u8> {
        match self.get(tag)? {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// A value of two octets.
    #[must_use]
    pub fn short(self, tag: u16) -> Option<u16> {
        self.get(tag)?.try_into().ok().map(u16::from_be_bytes)
    }
}

/// Writes a parameter. A value longer than 65,535 octets is cut there; nothing here makes one.
pub fn put(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.get(..length.into()).unwrap_or(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_broken_parameter_ends_the_list() {
        let mut encoded = Vec::new();
        put(&mut encoded, MESSAGE_STATE, &[2]);
        put(&mut encoded, SAR_MSG_REF_NUM, &[1, 2]);
        encoded.extend_from_slice(&[0x02, 0x0E, 0, 9, 1]);
        let tlvs = Tlvs::new(&encoded);
        assert_eq!(tlvs.iter().count(), 2);
        assert_eq!(tlvs.octet(MESSAGE_STATE), Some(2));
        assert_eq!(tlvs.short(SAR_MSG_REF_NUM), Some(0x0102));
        assert_eq!(tlvs.octet(SAR_MSG_REF_NUM), None);
        assert_eq!(tlvs.get(SAR_TOTAL_SEGMENTS), None);
    }

    proptest! {
        #[test]
        fn what_is_put_is_found(all in proptest::collection::vec((any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
            let mut encoded = Vec::new();
            for (tag, value) in &all {
                put(&mut encoded, *tag, value);
            }
            let read: Vec<_> = Tlvs::new(&encoded).iter().map(|(tag, value)| (tag, value.to_vec())).collect();
            prop_assert_eq!(read, all);
        }
    }
}
