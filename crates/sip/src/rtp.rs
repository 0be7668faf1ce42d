//! RTP packets (RFC 3550 §5.1).

/// Bytes of a header without extras.
pub const HEADER: usize = 12;

/// What is read of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The first packet of something, e.g. of a key.
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Counts packets, and wraps.
    pub sequence: u16,
    /// Counts samples, and wraps.
    pub timestamp: u32,
    /// Which source.
    pub ssrc: u32,
    /// Where the payload begins, in bytes: as much as is authenticated but not encrypted.
    pub header: usize,
    /// Without padding.
    pub payload: &'a [u8],
}

/// How long a header is with contributing sources and extension; `None` where the packet isn't RTP. An encrypted packet can be
/// asked, too.
#[must_use]
pub fn header_length(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 || packet.len() < HEADER || is_rtcp(packet) {
        return None;
    }
    let mut length = HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes(words.try_into().ok()?));
    }
    (length <= packet.len()).then_some(length)
}

/// Whether this is RTCP, which some send to the same port (RFC 5761 §4). It is known by its types, 192 to 223.
#[must_use]
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, 192..=223, ..] if first >> 6 == 2)
}

/// Reads a packet; `None` where it isn't RTP.
#[must_use]
pub fn parse(packet: &[u8]) -> Option<Packet<'_>> {
    let header = header_length(packet)?;
    let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *packet.first_chunk::<HEADER>()?;
    let mut payload = packet.get(header..)?;
    if first & 0x20 != 0 {
        // The last byte says how many are padding, itself among them.
        let padding = usize::from(*payload.last()?);
        payload = payload.get(..payload.len().checked_sub(padding)?)?;
        if padding == 0 {
            return None;
        }
    }
    Some(Packet {
        marker: second & 0x80 != 0,
        payload_type: second & 0x7f,
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        header,
        payload,
    })
}

/// Writes a packet without extras.
pub fn write(
    out: &mut Vec<u8>,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: &[u8],
) {
    out.clear();
    out.push(0x80);
    out.push(u8::from(marker) << 7 | (payload_type & 0x7f));
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&timestamp.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(marker: bool, kind in 0u8..64, sequence: u16, timestamp: u32, ssrc: u32, payload: Vec<u8>) {
            let mut out = Vec::new();
            write(&mut out, marker, kind, sequence, timestamp, ssrc, &payload);
            let read = parse(&out).unwrap();
            prop_assert_eq!((read.marker, read.payload_type, read.sequence), (marker, kind, sequence));
            prop_assert_eq!((read.timestamp, read.ssrc, read.payload), (timestamp, ssrc, payload.as_slice()));
        }

        #[test]
        fn nothing_breaks_the_reader(bytes: Vec<u8>) {
            if let Some(read) = parse(&bytes) {
                prop_assert!(read.header + read.payload.len() <= bytes.len());
            }
        }
    }

    #[test]
    fn extras_are_passed_over() {
        let mut packet = vec![0xb1, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend_from_slice(&[9, 9, 9, 9]); // one contributing source
        packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 1, 1, 1, 1]); // an extension of one word
        packet.extend_from_slice(&[5, 6, 0, 2]); // padding of two
        let read = parse(&packet).unwrap();
        assert_eq!((read.header, read.payload, read.marker), (24, &[5, 6][..], true));
    }

    #[test]
    fn what_is_too_short_for_what_it_says_is_no_packet() {
        let whole = [0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert!(parse(&whole).is_some());
        assert!(parse(&whole[..11]).is_none());
        for first in [0x00, 0x40, 0xc0, 0x81, 0x90, 0xa0] {
            let mut wrong = whole;
            wrong[0] = first;
            assert!(parse(&wrong).is_none(), "{first:02x}");
        }
        let mut padded = whole.to_vec();
        padded[0] = 0xa0;
        padded.extend_from_slice(&[1, 9]);
        assert!(parse(&padded).is_none());
    }

    #[test]
    fn reports_are_known() {
        let report = [0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0];
        assert!(is_rtcp(&report) && parse(&report).is_none());
        assert!(!is_rtcp(&[0x80, 0x80 | 101]));
    }
}
