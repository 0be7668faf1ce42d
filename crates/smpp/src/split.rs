//! Text → the short messages that carry it.
//!
//! A telephone puts the parts together again by what says that they belong together ([`Concatenation`]). A part never ends within a
//! character: not between an escape and what it leads, not between two halves of a surrogate pair.

use crate::{gsm, pdu::tlv};
use serde::Deserialize;
use zeroize::Zeroizing;

/// `esm_class`: the short message begins with a user data header (SMPP 3.4 §5.2.12).
pub const UDHI: u8 = 0x40;

/// The most parts that a text becomes. Each costs money; the count's field on the wire would take 255.
pub const MAX_PARTS: usize = 32;

/// In octets, of user data: 140 octets are 160 septets (3GPP TS 23.040 §9.2.3.24), which stand unpacked here.
const OCTETS: usize = 140;
const SEPTETS: usize = 160;

/// How parts say that they belong together. What a carrier takes, only the carrier knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Concatenation {
    /// A user data header with a reference of one octet: `05 00 03`. Every carrier takes it.
    #[default]
    Udh8,
    /// A user data header with a reference of two octets: `06 08 04`.
    Udh16,
    /// The optional parameters `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    Sar,
    /// One `submit_sm` with everything in `message_payload`: the SMSC splits it.
    Payload,
}

/// What a text is written in, where it can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// The GSM alphabet (`data_coding` 0); what isn't in it goes as UCS-2.
    #[default]
    Gsm,
    /// ISO 8859-1 (`data_coding` 3), for an SMSC that turns it into the GSM alphabet itself; what isn't in it goes as UCS-2.
    Latin1,
    /// Always UCS-2 (`data_coding` 8).
    Ucs2,
}

impl Alphabet {
    /// `data_coding` (SMPP 3.4 §5.2.19).
    #[must_use]
    pub const fn data_coding(self) -> u8 {
        match self {
            Self::Gsm => 0,
            Self::Latin1 => 3,
            Self::Ucs2 => 8,
        }
    }

    fn has(self, c: char) -> bool {
        match self {
            Self::Gsm => gsm::septets(c).is_some(),
            Self::Latin1 => u32::from(c) < 256,
            Self::Ucs2 => true,
        }
    }

    /// Octets on the wire: unpacked septets are octets, too.
    fn count(self, c: char) -> usize {
        match self {
            Self::Gsm => gsm::septets(c).map_or(1, gsm::Septets::count),
            Self::Latin1 => 1,
            Self::Ucs2 => 2 * c.len_utf16(),
        }
    }

    fn put(self, c: char, out: &mut Vec<u8>) {
        match self {
            // The alphabet was chosen because it has every character.
            Self::Gsm => gsm::septets(c).unwrap_or(gsm::Septets::Basic(b'?')).put(out),
            Self::Latin1 => out.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
            Self::Ucs2 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(&unit.to_be_bytes());
                }
            }
        }
    }

    /// The room of one short message, less a header of `header` octets.
    const fn room(self, header: usize) -> usize {
        match self {
            // The header's bits are filled up to whole septets.
            Self::Gsm => SEPTETS - (header * 8).div_ceil(7),
            Self::Latin1 => OCTETS - header,
            // A character is never cut, so an odd octet stays empty.
            Self::Ucs2 => (OCTETS - header) & !1,
        }
    }
}

/// One short message of a text.
pub struct Part {
    /// [`UDHI`] or 0.
    pub esm_class: u8,
    /// With its header, if it has one. Empty where the text is in `tlvs`. Erased when dropped.
    pub short_message: Zeroizing<Vec<u8>>,
    /// The optional parameters, encoded. Erased when dropped.
    pub tlvs: Zeroizing<Vec<u8>>,
}

/// A text as short messages.
pub struct Parts {
    /// What it is written in.
    pub alphabet: Alphabet,
    /// One or more.
    pub parts: Vec<Part>,
    /// How many short messages a telephone gets: the number of parts, or what the SMSC will make of a payload.
    pub segments: usize,
}

/// The text would become more than [`MAX_PARTS`] short messages.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("the text is longer than {MAX_PARTS} short messages")]
pub struct TooLong;

/// Splits `text`. Parts of one text share `reference`, of which one octet may be used: two texts to one number within a few minutes
/// must differ in it.
///
/// # Errors
/// [`TooLong`].
pub fn split(text: &str, preferred: Alphabet, how: Concatenation, reference: u16) -> Result<Parts, TooLong> {
    // No character takes less than an octet in any alphabet, and in UTF-8 none takes more than four.
    if text.len() > 4 * SEPTETS * MAX_PARTS {
        return Err(TooLong);
    }
    let alphabet = if text.chars().all(|c| preferred.has(c)) { preferred } else { Alphabet::Ucs2 };
    let length: usize = text.chars().map(|c| alphabet.count(c)).sum();
    if length <= alphabet.room(0) {
        let mut short_message = Zeroizing::new(Vec::with_capacity(length));
        text.chars().for_each(|c| alphabet.put(c, &mut short_message));
        let part = Part { esm_class: 0, short_message, tlvs: Zeroizing::default() };
        return Ok(Parts { alphabet, parts: vec![part], segments: 1 });
    }
    // Whoever makes the header, we or the SMSC, it takes six octets at least.
    let header = if how == Concatenation::Udh16 { 7 } else { 6 };
    let chunks = chunks(text, alphabet, alphabet.room(header))?;
    let total = chunks.len();
    let parts = match how {
        Concatenation::Payload => vec![payload(text, alphabet, length)],
        how => (1_u8..).zip(&chunks).map(|(number, chunk)| part(how, reference, total, number, chunk)).collect(),
    };
    Ok(Parts { alphabet, parts, segments: total })
}

fn chunks(text: &str, alphabet: Alphabet, room: usize) -> Result<Vec<Zeroizing<Vec<u8>>>, TooLong> {
    let empty = || Zeroizing::new(Vec::with_capacity(room));
    let mut done = Vec::new();
    let mut chunk = empty();
    for c in text.chars() {
        if chunk.len() + alphabet.count(c) > room {
            done.push(std::mem::replace(&mut chunk, empty()));
        }
        alphabet.put(c, &mut chunk);
    }
    done.push(chunk);
    if done.len() > MAX_PARTS { Err(TooLong) } else { Ok(done) }
}

fn part(how: Concatenation, reference: u16, total: usize, number: u8, chunk: &[u8]) -> Part {
    let total = u8::try_from(total).unwrap_or(u8::MAX);
    let [high, low] = reference.to_be_bytes();
    let header: &[u8] = match how {
        Concatenation::Udh8 => &[5, 0x00, 3, low, total, number],
        Concatenation::Udh16 => &[6, 0x08, 4, high, low, total, number],
        Concatenation::Sar | Concatenation::Payload => &[],
    };
    let mut short_message = Zeroizing::new(Vec::with_capacity(header.len() + chunk.len()));
    short_message.extend_from_slice(header);
    short_message.extend_from_slice(chunk);
    let mut tlvs = Zeroizing::new(Vec::new());
    if header.is_empty() {
        tlv::put(&mut tlvs, tlv::SAR_MSG_REF_NUM, &[high, low]);
        tlv::put(&mut tlvs, tlv::SAR_TOTAL_SEGMENTS, &[total]);
        tlv::put(&mut tlvs, tlv::SAR_SEGMENT_SEQNUM, &[number]);
    }
    Part { esm_class: if header.is_empty() { 0 } else { UDHI }, short_message, tlvs }
}

fn payload(text: &str, alphabet: Alphabet, length: usize) -> Part {
    let mut octets = Zeroizing::new(Vec::with_capacity(length));
    text.chars().for_each(|c| alphabet.put(c, &mut octets));
    let mut tlvs = Zeroizing::new(Vec::with_capacity(length + 4));
    tlv::put(&mut tlvs, tlv::MESSAGE_PAYLOAD, &octets);
    Part { esm_class: 0, short_message: Zeroizing::default(), tlvs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{join::Joiner, pdu::Tlvs, testing::received};
    use proptest::prelude::*;
    use tokio::time::Instant;

    fn sizes(text: &str, how: Concatenation) -> Vec<usize> {
        let parts = split(text, Alphabet::Gsm, how, 0x0102).unwrap();
        parts.parts.iter().map(|part| part.short_message.len()).collect()
    }

    #[test]
    fn the_room_of_a_short_message() {
        assert_eq!(sizes(&"a".repeat(160), Concatenation::Udh8), [160]);
        assert_eq!(sizes(&"a".repeat(161), Concatenation::Udh8), [6 + 153, 6 + 8]);
        assert_eq!(sizes(&"a".repeat(161), Concatenation::Udh16), [7 + 152, 7 + 9]);
        assert_eq!(sizes(&"a".repeat(161), Concatenation::Sar), [153, 8]);
        assert_eq!(sizes(&"я".repeat(70), Concatenation::Udh8), [140]);
        assert_eq!(sizes(&"я".repeat(71), Concatenation::Udh8), [6 + 134, 6 + 8]);
        assert_eq!(sizes(&"я".repeat(71), Concatenation::Udh16), [7 + 132, 7 + 10]);
        assert_eq!(sizes("", Concatenation::Udh8), [0]);
    }

    #[test]
    fn characters_are_not_cut() {
        // 152 septets, then an escape pair that would begin at the last.
        let euro = format!("{}€{}", "a".repeat(152), "b".repeat(20));
        assert_eq!(sizes(&euro, Concatenation::Udh8), [6 + 152, 6 + 22]);
        // 66 units, then a surrogate pair.
        let smile = format!("{}😀{}", "я".repeat(66), "b".repeat(9));
        assert_eq!(sizes(&smile, Concatenation::Udh8), [6 + 132, 6 + 22]);
    }

    #[test]
    fn headers_and_parameters() {
        let text = "a".repeat(161);
        let parts = split(&text, Alphabet::Gsm, Concatenation::Udh8, 0x0102).unwrap().parts;
        assert!(parts.iter().all(|part| part.esm_class == UDHI && part.tlvs.is_empty()));
        assert_eq!(parts[1].short_message[..6], [5, 0, 3, 2, 2, 2]);
        let parts = split(&text, Alphabet::Gsm, Concatenation::Udh16, 0x0102).unwrap().parts;
        assert_eq!(parts[0].short_message[..7], [6, 8, 4, 1, 2, 2, 1]);
        let parts = split(&text, Alphabet::Gsm, Concatenation::Sar, 0x0102).unwrap().parts;
        let tlvs = Tlvs::new(&parts[1].tlvs);
        assert_eq!(parts[1].esm_class, 0);
        assert_eq!(tlvs.short(tlv::SAR_MSG_REF_NUM), Some(0x0102));
        assert_eq!(tlvs.octet(tlv::SAR_TOTAL_SEGMENTS), Some(2));
        assert_eq!(tlvs.octet(tlv::SAR_SEGMENT_SEQNUM), Some(2));
        let whole = split(&text, Alphabet::Gsm, Concatenation::Payload, 0).unwrap();
        assert_eq!((whole.parts.len(), whole.segments), (1, 2));
        assert_eq!(Tlvs::new(&whole.parts[0].tlvs).get(tlv::MESSAGE_PAYLOAD), Some(text.as_bytes()));
    }

    #[test]
    fn the_alphabet_is_the_preferred_where_it_has_the_text() {
        let alphabet = |text, preferred| split(text, preferred, Concatenation::Udh8, 0).unwrap().alphabet;
        assert_eq!(alphabet("Grüße €", Alphabet::Gsm), Alphabet::Gsm);
        assert_eq!(alphabet("Grüße €", Alphabet::Latin1), Alphabet::Ucs2);
        assert_eq!(alphabet("ça", Alphabet::Latin1), Alphabet::Latin1);
        assert_eq!(alphabet("ça", Alphabet::Gsm), Alphabet::Ucs2);
        assert_eq!(alphabet("a", Alphabet::Ucs2), Alphabet::Ucs2);
    }

    #[test]
    fn a_book_is_refused() {
        for how in [Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar, Concatenation::Payload] {
            assert!(split(&"a".repeat(153 * MAX_PARTS + 1), Alphabet::Gsm, how, 0).is_err());
            assert!(split(&"a".repeat(1 << 20), Alphabet::Gsm, how, 0).is_err());
        }
        assert_eq!(split(&"a".repeat(153 * MAX_PARTS), Alphabet::Gsm, Concatenation::Udh8, 0).unwrap().parts.len(), 32);
    }

    fn how() -> impl Strategy<Value = Concatenation> {
        prop_oneof![
            Just(Concatenation::Udh8),
            Just(Concatenation::Udh16),
            Just(Concatenation::Sar),
            Just(Concatenation::Payload)
        ]
    }

    proptest! {
        /// Whatever the alphabet, the way of splitting and the order in which the parts come, a telephone reads what was written.
        #[test]
        fn parts_come_together_again(
            text in "[a-z€\\[\\]ßя😀]{0,400}",
            preferred in prop_oneof![Just(Alphabet::Gsm), Just(Alphabet::Latin1), Just(Alphabet::Ucs2)],
            how in how(),
            reference: u16,
            backwards: bool,
        ) {
            let parts = split(&text, preferred, how, reference).unwrap();
            let coding = parts.alphabet.data_coding();
            let mut messages: Vec<_> = parts.parts.iter().map(|part| received(coding, part)).collect();
            if backwards {
                messages.reverse();
            }
            let mut joiner = Joiner::default();
            let last = messages.pop().unwrap();
            let now = Instant::now();
            for message in &messages {
                prop_assert!(joiner.take(message, now).is_none());
            }
            let whole = joiner.take(&last, now).unwrap();
            prop_assert_eq!(whole.expose(), text);
        }

        #[test]
        fn each_part_stands_alone(text in "[a€я😀]{0,300}", how in how()) {
            let parts = split(&text, Alphabet::Gsm, how, 9).unwrap();
            for part in &parts.parts {
                let mut joiner = Joiner::default();
                let mut message = received(parts.alphabet.data_coding(), part);
                if how == Concatenation::Sar {
                    message.tlvs = Tlvs::default();
                }
                if part.esm_class == UDHI {
                    let header = usize::from(message.short_message[0]) + 1;
                    message.short_message = &message.short_message[header..];
                    message.esm_class = 0;
                }
                let read = joiner.take(&message, Instant::now()).unwrap();
                prop_assert!(text.contains(read.expose()));
                prop_assert!(message.short_message.len() <= 160);
            }
        }
    }
}
