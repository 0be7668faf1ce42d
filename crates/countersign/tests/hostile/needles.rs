//! A search for secrets in whatever form they could lie about.

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use std::collections::BTreeSet;

/// Something that must not be found, with the forms in which it is looked for.
pub(crate) struct Needle {
    pub(crate) name: String,
    forms: Vec<(String, Vec<u8>)>,
}

/// Shorter than this, a form would be found by chance in a few megabytes of sealed bytes.
const SHORTEST: usize = 6;

impl Needle {
    /// A secret that is bytes.
    pub(crate) fn of(name: &str, secret: &[u8]) -> Self {
        let mut forms = vec![("plain".to_owned(), secret.to_vec())];
        forms.push(("hex".to_owned(), HEXLOWER.encode(secret).into_bytes()));
        forms.push(("HEX".to_owned(), HEXUPPER.encode(secret).into_bytes()));
        // Base 64 at each of the three places where the secret can begin in a longer text; the digits at the edges, which its
        // neighbours share, are left away.
        for phase in 0..3 {
            let text = BASE64.encode(&[&vec![0; phase], secret].concat());
            let start = (phase * 8).div_ceil(6);
            let end = (phase + secret.len()) * 8 / 6;
            if let Some(inner) = text.as_bytes().get(start..end) {
                forms.push((format!("base64 at {phase}"), inner.to_vec()));
                let url = String::from_utf8_lossy(inner).replace('+', "-").replace('/', "_");
                forms.push((format!("base64url at {phase}"), url.into_bytes()));
            }
        }
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        forms.push(("reversed".to_owned(), reversed));
        forms.push(("UTF-16LE".to_owned(), secret.iter().flat_map(|byte| [*byte, 0]).collect()));
        forms.push(("UTF-16BE".to_owned(), secret.iter().flat_map(|byte| [0, *byte]).collect()));
        forms.retain(|(_, form)| form.len() >= SHORTEST);
        forms.dedup_by(|a, b| a.1 == b.1);
        Self { name: name.to_owned(), forms }
    }

    /// A telephone number, in the ways that people and machines write it.
    pub(crate) fn number(name: &str, e164: &str) -> Vec<Self> {
        let digits = e164.trim_start_matches('+');
        let national = &digits[1..];
        let (area, exchange, line) = (&national[..3], &national[3..6], &national[6..]);
        // Telephone BCD: two digits a byte, the first one low (3GPP TS 23.040 §9.1.2.3).
        let mut swapped: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        if swapped.len() % 2 == 1 {
            swapped.push(0xf);
        }
        let packed: Vec<u8> = swapped.chunks(2).map(|pair| pair[0] | pair[1] << 4).collect();
        vec![
            Self::of(&format!("{name} in E.164"), e164.as_bytes()),
            Self::of(&format!("{name} without the plus"), digits.as_bytes()),
            Self::of(&format!("{name} in national form"), national.as_bytes()),
            Self::of(&format!("{name}, the last seven"), format!("{exchange}{line}").as_bytes()),
            Self::of(&format!("{name}, spelt"), format!("{area}-{exchange}-{line}").as_bytes()),
            Self::of(&format!("{name}, spelt with brackets"), format!("({area}) {exchange}-{line}").as_bytes()),
            Self::of(&format!("{name} in an URL"), format!("%2B{digits}").as_bytes()),
            Self { name: format!("{name} in BCD"), forms: vec![("packed".to_owned(), packed)] },
        ]
    }
}

/// Few digits stand by chance inside of long numbers (times, counts), so they are looked for as a number of their own.
const FEW: usize = 9;

/// Whether what was found between two places is more than a part of a longer number.
fn counts(haystack: &[u8], start: usize, end: usize) -> bool {
    let whole = end - start <= FEW && haystack[start..end].iter().all(u8::is_ascii_digit);
    // Not the fraction of a second either.
    let joins = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    !whole || !joins(start.checked_sub(1).and_then(|before| haystack.get(before))) && !joins(haystack.get(end))
}

/// Where a needle was found, a line each.
pub(crate) fn search(needles: &[Needle], places: &[(String, Vec<u8>)]) -> Vec<String> {
    let forms: Vec<(&str, &str, &[u8])> = needles
        .iter()
        .flat_map(|needle| {
            needle.forms.iter().map(|(form, bytes)| (needle.name.as_str(), form.as_str(), bytes.as_slice()))
        })
        .collect();
    let all = AhoCorasick::new(forms.iter().map(|(_, _, bytes)| bytes)).unwrap();
    let mut hits = BTreeSet::new();
    for (place, bytes) in places {
        for found in all.find_overlapping_iter(bytes).filter(|found| counts(bytes, found.start(), found.end())) {
            let (needle, form, _) = forms[found.pattern().as_usize()];
            hits.insert(format!("{needle} ({form}) in {place}"));
        }
    }
    hits.into_iter().collect()
}

#[test]
fn the_search_finds_each_form_and_nothing_else() {
    let needle = Needle::of("x", b"+15035550100");
    let text = |bytes: &[u8]| vec![("here".to_owned(), bytes.to_vec())];
    for bytes in [
        b"..+15035550100..".to_vec(),
        b"{\"n\":\"2b3135303335353530313030\"}".to_vec(),
        BASE64.encode(b"a+15035550100bcd").into_bytes(),
        BASE64.encode(b"ab+15035550100cd").into_bytes(),
        BASE64.encode(b"abc+15035550100d").into_bytes(),
        b"00105553051+".to_vec(),
        "+15035550100".encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ] {
        assert!(!search(&[Needle::of("x", b"+15035550100")], &text(&bytes)).is_empty(), "{bytes:?}");
    }
    assert!(search(&[needle], &text(b"+1503555010 15035550101")).is_empty());
    let numbers = Needle::number("n", "+15035550100");
    assert_eq!(search(&numbers, &text(b"(503) 555-0100")).len(), 1);
    assert!(!search(&numbers, &text(&[0, 0x51, 0x30, 0x55, 0x05, 0x01, 0xf0, 9])).is_empty());
}
