//! What people write → text: the other way of [`crate::split`].
//!
//! Parts may come in any order, twice, or never. What waits for its other parts is limited in number and in time, and is erased when it
//! goes.

use crate::{
    gsm,
    pdu::{Message, tlv},
    split::{MAX_PARTS, UDHI},
};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;
use types::SecretString;
use zeroize::Zeroizing;

/// How many texts may wait for their other parts at once; the oldest goes when one more begins.
const MAX_WAITING: usize = 64;
/// How long a text waits for its other parts.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Texts of which some parts have come.
#[derive(Default)]
pub(crate) struct Joiner {
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    since: Instant,
    source: Zeroizing<Vec<u8>>,
    destination: Vec<u8>,
    reference: u16,
    data_coding: u8,
    parts: Vec<Option<Zeroizing<Vec<u8>>>>,
}

/// Where a part belongs.
#[derive(Clone, Copy)]
struct Place {
    reference: u16,
    total: u8,
    number: u8,
}

impl Joiner {
    /// Takes a part and gives the text when it was the last one missing. `None`, too, for what isn't text.
    pub(crate) fn take(&mut self, message: &Message<'_>, now: Instant) -> Option<SecretString> {
        while self.waiting.front().is_some_and(|first| now.duration_since(first.since) > MAX_WAIT) {
            self.waiting.pop_front();
        }
        let (place, body) = opened(message);
        // What is longer than any short message is no part of one: it would only fill the memory.
        let Some(place) = place.filter(|_| body.len() <= 255) else { return text(message.data_coding, body) };
        let at = match self.find(message, place) {
            Some(at) => at,
            None => self.begin(message, place, now),
        };
        let slot = self.waiting.get_mut(at)?.parts.get_mut(usize::from(place.number).checked_sub(1)?)?;
        slot.get_or_insert_with(|| Zeroizing::new(body.to_vec()));
        if self.waiting.get(at)?.parts.iter().any(Option::is_none) {
            return None;
        }
        let whole = self.waiting.remove(at)?;
        let length = whole.parts.iter().flatten().map(|part| part.len()).sum();
        let mut octets = Zeroizing::new(Vec::with_capacity(length));
        whole.parts.iter().flatten().for_each(|part| octets.extend_from_slice(part));
        text(whole.data_coding, &octets)
    }

    fn find(&self, message: &Message<'_>, place: Place) -> Option<usize> {
        self.waiting.iter().position(|waiting| {
            waiting.reference == place.reference
                && waiting.parts.len() == usize::from(place.total)
                && waiting.data_coding == message.data_coding
                && *waiting.source == message.source.text
                && waiting.destination == message.destination.text
        })
    }

    fn begin(&mut self, message: &Message<'_>, place: Place, now: Instant) -> usize {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting {
            since: now,
            source: Zeroizing::new(message.source.text.to_vec()),
            destination: message.destination.text.to_vec(),
            reference: place.reference,
            data_coding: message.data_coding,
            parts: vec![None; place.total.into()],
        });
        self.waiting.len() - 1
    }
}

/// Takes the user data header off, and finds the part's place in it or in the optional parameters.
fn opened<'a>(message: &Message<'a>) -> (Option<Place>, &'a [u8]) {
    let body = match message.short_message {
        [] => message.tlvs.get(tlv::MESSAGE_PAYLOAD).unwrap_or_default(),
        body => body,
    };
    if message.esm_class & UDHI == 0 {
        return (sar(message), body);
    }
    let Some((length, rest)) = body.split_first() else { return (None, body) };
    // A header that is longer than the message is none; the text is then what there is.
    let Some((mut header, text)) = rest.split_at_checked((*length).into()) else { return (None, rest) };
    let mut place = None;
    while let [element, length, rest @ ..] = header {
        let Some((value, rest)) = rest.split_at_checked((*length).into()) else { break };
        place = match (element, value) {
            (0x00, &[reference, total, number]) => valid(u16::from(reference), total, number),
            (0x08, &[high, low, total, number]) => valid(u16::from_be_bytes([high, low]), total, number),
            _ => place,
        };
        header = rest;
    }
    (place, text)
}

fn sar(message: &Message<'_>) -> Option<Place> {
    let tlvs = message.tlvs;
    valid(tlvs.short(tlv::SAR_MSG_REF_NUM)?, tlvs.octet(tlv::SAR_TOTAL_SEGMENTS)?, tlvs.octet(tlv::SAR_SEGMENT_SEQNUM)?)
}

fn valid(reference: u16, total: u8, number: u8) -> Option<Place> {
    let joined = (2..=MAX_PARTS).contains(&total.into()) && (1..=total).contains(&number);
    joined.then_some(Place { reference, total, number })
}

/// Octets → text. `None` for what isn't text, or is in an alphabet that SMPP 3.4 §5.2.19 leaves to the SMSC.
fn text(data_coding: u8, octets: &[u8]) -> Option<SecretString> {
    let text = match data_coding {
        // 0xF0 to 0xF3: GSM's own coding scheme, its class of message 0 to 3, in the default alphabet.
        0x00 | 0xF0..=0xF3 => gsm::decode(octets),
        0x01 => octets
            .iter()
            .map(|&octet| if octet.is_ascii() { char::from(octet) } else { char::REPLACEMENT_CHARACTER })
            .collect(),
        0x03 => octets.iter().copied().map(char::from).collect(),
        0x08 => {
            let units = octets.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => return None,
    };
    Some(SecretString::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pdu::{Address, Tlvs},
        split::{Alphabet, Concatenation, Part, split},
        testing::received,
    };
    use proptest::prelude::*;

    fn parts(text: &str, reference: u16) -> Vec<Part> {
        split(text, Alphabet::Gsm, Concatenation::Udh8, reference).unwrap().parts
    }

    #[test]
    fn two_texts_at_once_and_parts_twice() {
        let (a, b) = ("a".repeat(200), "b".repeat(200));
        let (first, second) = (parts(&a, 1), parts(&b, 2));
        let mut joiner = Joiner::default();
        let now = Instant::now();
        let mut take = |part| joiner.take(&received(0, part), now).map(|text| text.expose().to_owned());
        assert_eq!(take(&first[0]), None);
        assert_eq!(take(&first[0]), None);
        assert_eq!(take(&second[1]), None);
        assert_eq!(take(&first[1]), Some(a));
        assert_eq!(take(&second[0]), Some(b));
    }

    #[test]
    fn parts_of_different_people_are_not_mixed() {
        let all = parts(&"a".repeat(200), 1);
        let mut joiner = Joiner::default();
        let now = Instant::now();
        assert!(joiner.take(&received(0, &all[0]), now).is_none());
        let other = Message { source: Address { ton: 1, npi: 1, text: b"15035550199" }, ..received(0, &all[1]) };
        assert!(joiner.take(&other, now).is_none());
        assert!(joiner.take(&received(0, &all[1]), now).is_some());
    }

    #[test]
    fn what_waits_is_limited_in_number_and_time() {
        let mut joiner = Joiner::default();
        let now = Instant::now();
        let all = parts(&"a".repeat(200), 1);
        assert!(joiner.take(&received(0, &all[0]), now).is_none());
        assert!(joiner.take(&received(0, &all[1]), now + MAX_WAIT + Duration::from_secs(1)).is_none());
        let mut joiner = Joiner::default();
        for reference in 0..500 {
            assert!(joiner.take(&received(0, &parts(&"a".repeat(200), reference)[0]), now).is_none());
            assert!(joiner.waiting.len() <= MAX_WAITING);
        }
    }

    #[test]
    fn alphabets() {
        let read = |coding, octets| text(coding, octets).map(|text| text.expose().to_owned());
        assert_eq!(read(0, b"STOP\x00").unwrap(), "STOP@");
        assert_eq!(read(1, b"STOP\xE9").unwrap(), "STOP\u{fffd}");
        assert_eq!(read(3, b"arr\xEAt").unwrap(), "arrêt");
        assert_eq!(read(8, &[0x04, 0x2F, 0xD8, 0x3D, 0xDE, 0x00, 0xD8, 0x00, 0]).unwrap(), "Я😀\u{fffd}");
        assert_eq!(read(0xF1, b"a").unwrap(), "a");
        assert_eq!(read(4, b"a"), None);
    }

    proptest! {
        #[test]
        fn any_message_is_survived(
            esm_class: u8, data_coding: u8,
            short in proptest::collection::vec(any::<u8>(), 0..200),
            tlvs in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut joiner = Joiner::default();
            let part = Part { esm_class, short_message: Zeroizing::new(short), tlvs: Zeroizing::new(tlvs) };
            let _ = joiner.take(&received(data_coding, &part), Instant::now());
            let _ = Tlvs::new(&part.tlvs).iter().count();
        }
    }
}
