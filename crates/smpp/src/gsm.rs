//! The GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1) as SMPP carries it: one septet in an octet, unpacked.
//!
//! Ten further characters stand in the extension table and cost two septets each: [`ESCAPE`] and one more. National tables are not
//! used: a text that needs one goes as UCS-2, which every telephone reads.

/// Leads a character of the extension table.
pub const ESCAPE: u8 = 0x1B;

/// Septet → character. 0x1B is [`ESCAPE`] and has none.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The extension table: what follows [`ESCAPE`], and what both are together.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

const ABSENT: u8 = 0xFF;
/// Marks a character of the extension table in [`ASCII`].
const EXTENDED: u8 = 0x80;

/// ASCII → septet, [`EXTENDED`] `|` septet of the extension table, or [`ABSENT`]: most texts need nothing else.
const ASCII: [u8; 128] = ascii();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse an index out of range")]
const fn ascii() -> [u8; 128] {
    let mut table = [ABSENT; 128];
    let mut at = 0;
    while at < 128 {
        let c = BASIC[at] as usize;
        if c < 128 && at != ESCAPE as usize {
            table[c] = at as u8;
        }
        at += 1;
    }
    at = 0;
    while at < EXTENSION.len() {
        let c = EXTENSION[at].1 as usize;
        if c < 128 {
            table[c] = EXTENDED | EXTENSION[at].0;
        }
        at += 1;
    }
    table
}

/// The septets of a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Septets {
    /// One of the basic table.
    Basic(u8),
    /// [`ESCAPE`] and this.
    Extended(u8),
}

impl Septets {
    /// Appends them.
    pub fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Basic(septet) => out.push(septet),
            Self::Extended(septet) => out.extend_from_slice(&[ESCAPE, septet]),
        }
    }

    /// How many: 1 or 2.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Basic(_) => 1,
            Self::Extended(_) => 2,
        }
    }
}

/// What a character is in this alphabet; `None` where it isn't in it.
#[must_use]
pub fn septets(c: char) -> Option<Septets> {
    if let Some(&found) = ASCII.get(c as usize) {
        return match found {
            ABSENT => None,
            found if found & EXTENDED != 0 => Some(Septets::Extended(found & !EXTENDED)),
            found => Some(Septets::Basic(found)),
        };
    }
    if c == '€' {
        return Some(Septets::Extended(0x65));
    }
    let at = BASIC.iter().position(|&basic| basic == c)?;
    u8::try_from(at).ok().map(Septets::Basic)
}

/// Unpacked septets → text. What stands in no table is read as 3GPP TS 23.038 §6.2.1.1 asks: an unknown extended character as
/// the basic one, an escape at the end as a space. An octet above 0x7F is no septet and becomes U+FFFD.
#[must_use]
pub fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(&octet) = rest.next() {
        text.push(match octet {
            ESCAPE => rest.next().map_or(' ', |&next| extended(next).unwrap_or_else(|| basic(next))),
            octet => basic(octet),
        });
    }
    text
}

fn basic(octet: u8) -> char {
    match octet {
        // A second escape is reserved for another table that nobody has defined.
        ESCAPE => ' ',
        octet => BASIC.get(usize::from(octet)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

fn extended(octet: u8) -> Option<char> {
    EXTENSION.iter().find_map(|&(septet, c)| (septet == octet).then_some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn encode(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for c in text.chars() {
            septets(c)?.put(&mut out);
        }
        Some(out)
    }

    #[test]
    fn known_texts() {
        assert_eq!(encode("Code: 491720 @ 5€").unwrap(), b"Code: 491720 \x00 5\x1b\x65");
        assert_eq!(encode("[~]{}^\\|").unwrap(), b"\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x28\x1b\x29\x1b\x14\x1b\x2f\x1b\x40");
        assert_eq!(encode("äÖñ_$").unwrap(), b"\x7b\x5c\x7d\x11\x02");
        for absent in ["`", "ç", "ı", "Я", "😀", "\t", "\u{1b}", "\0"] {
            assert_eq!(encode(absent), None, "{absent:?}");
        }
    }

    #[test]
    fn each_septet_has_its_own_character() {
        let basic: HashSet<char> = BASIC.into_iter().collect();
        assert_eq!(basic.len(), 128);
        assert!(EXTENSION.iter().all(|(_, c)| !basic.contains(c)));
    }

    #[test]
    fn every_septet_returns() {
        for octet in (0..128_u8).filter(|&octet| octet != ESCAPE) {
            assert_eq!(encode(&decode(&[octet])).unwrap(), [octet]);
        }
        for (octet, _) in EXTENSION {
            assert_eq!(encode(&decode(&[ESCAPE, octet])).unwrap(), [ESCAPE, octet]);
        }
    }

    #[test]
    fn what_stands_in_no_table() {
        assert_eq!(decode(&[ESCAPE, b'a', ESCAPE, ESCAPE, 0x80, 0xFF, ESCAPE]), "a \u{fffd}\u{fffd} ");
    }

    proptest! {
        #[test]
        fn what_can_be_written_is_read_again(text in "[a-zA-Z0-9 @£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~\\]|€\\\\-]{0,80}") {
            let octets = encode(&text).unwrap();
            prop_assert!(octets.iter().all(|octet| *octet < 128));
            prop_assert_eq!(decode(&octets), text);
        }

        #[test]
        fn any_octets_are_read(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = decode(&octets);
            prop_assert!(text.chars().count() <= octets.len());
        }
    }
}
