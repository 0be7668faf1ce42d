//! Bech32m (BIP-350): keys as text that a person can copy, with a prefix that says what it is and a checksum that finds
//! up to four wrong characters.

use crate::KeyError;
use types::SecretBytes;
use zeroize::Zeroizing;

const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The longest text for which the checksum keeps its promise.
const MAX_LEN: usize = 90;
const CHECKSUM_LEN: usize = 6;
/// What the checksum of a valid text comes to: Bech32m's constant, where Bech32 has 1.
const RESIDUE: u32 = 0x2bc8_30a3;

/// `prefix`, `1`, and `bytes` in five-bit digits with their checksum. [`KeyError::TooLong`] past 90 characters.
pub(crate) fn encode(prefix: &str, bytes: &[u8]) -> Result<String, KeyError> {
    let digits = Zeroizing::new(to_digits(bytes));
    if prefix.len() + 1 + digits.len() + CHECKSUM_LEN > MAX_LEN {
        return Err(KeyError::TooLong(MAX_LEN));
    }
    let mut checksum = Checksum::of_prefix(prefix);
    let mut text = String::with_capacity(MAX_LEN);
    text.push_str(prefix);
    text.push('1');
    for digit in digits.iter() {
        checksum.add(*digit);
        text.push(character(*digit));
    }
    for digit in checksum.digits() {
        text.push(character(digit));
    }
    Ok(text)
}

/// The bytes of a text with this prefix. All letters are small, or all are capitals.
pub(crate) fn decode(prefix: &str, text: &str) -> Result<SecretBytes, KeyError> {
    let malformed = KeyError::Malformed("key text");
    if text.len() > MAX_LEN
        || (text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase()))
    {
        return Err(malformed);
    }
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let Some(data) = lower.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('1')) else { return Err(malformed) };
    let mut checksum = Checksum::of_prefix(prefix);
    let mut digits = Zeroizing::new(Vec::with_capacity(data.len()));
    for byte in data.bytes() {
        let Some(digit) = DIGITS.iter().position(|known| *known == byte).and_then(|at| u8::try_from(at).ok()) else {
            return Err(malformed);
        };
        checksum.add(digit);
        digits.push(digit);
    }
    match digits.len().checked_sub(CHECKSUM_LEN).and_then(|len| digits.get(..len)) {
        Some(payload) if checksum.0 == RESIDUE => from_digits(payload).ok_or(malformed),
        _ => Err(malformed),
    }
}

fn character(digit: u8) -> char {
    char::from(DIGITS.get(usize::from(digit & 31)).copied().unwrap_or(b'q'))
}

fn to_digits(bytes: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut held, mut bits) = (0_u16, 0_u8);
    for byte in bytes {
        held = (held << 8) | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            digits.push(((held >> bits) & 31) as u8);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        digits.push(((held << (5 - bits)) & 31) as u8);
    }
    digits
}

/// `None` when the bits that fill the last digit up are more than four, or not zero: one key has one text.
fn from_digits(digits: &[u8]) -> Option<SecretBytes> {
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut held, mut bits) = (0_u16, 0_u8);
    for digit in digits {
        held = (held << 5) | u16::from(*digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
        held &= (1 << bits) - 1;
    }
    let bytes = SecretBytes::new(bytes);
    (bits < 5 && held == 0).then_some(bytes)
}

/// The BCH code of BIP-173 over GF(32).
struct Checksum(u32);

impl Checksum {
    fn of_prefix(prefix: &str) -> Self {
        let mut checksum = Self(1);
        prefix.bytes().for_each(|byte| checksum.add(byte >> 5));
        checksum.add(0);
        prefix.bytes().for_each(|byte| checksum.add(byte & 31));
        checksum
    }

    fn add(&mut self, digit: u8) {
        const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = self.0 >> 25;
        self.0 = ((self.0 & 0x01ff_ffff) << 5) ^ u32::from(digit);
        for (bit, term) in GENERATOR.iter().enumerate() {
            if (top >> bit) & 1 == 1 {
                self.0 ^= term;
            }
        }
    }

    /// The six digits that make a valid text of what was added.
    fn digits(mut self) -> [u8; CHECKSUM_LEN] {
        (0..CHECKSUM_LEN).for_each(|_| self.add(0));
        let value = self.0 ^ RESIDUE;
        [25, 20, 15, 10, 5, 0].map(|shift| ((value >> shift) & 31) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// BIP-350, "Test vectors for Bech32m": valid texts, as prefix and whole. Those whose payload is no whole
    /// number of bytes test the checksum only.
    #[test]
    fn the_checksum_of_the_published_vectors_is_valid() {
        for (prefix, text) in [
            ("a", "A1LQFN3A"),
            ("a", "a1lqfn3a"),
            (
                "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1",
                "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
            ),
            ("abcdef", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"),
            ("1", "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8"),
            ("split", "split1checkupstagehandshakeupstreamerranterredcaperredlc445v"),
            ("?", "?1v759aa"),
        ] {
            let lower = text.to_ascii_lowercase();
            let data = lower.strip_prefix(prefix).unwrap().strip_prefix('1').unwrap();
            let mut checksum = Checksum::of_prefix(prefix);
            data.bytes().for_each(|b| checksum.add(DIGITS.iter().position(|d| *d == b).unwrap() as u8));
            assert_eq!(checksum.0, RESIDUE, "{text}");
        }
        assert_eq!(decode("a", "A1LQFN3A").unwrap().expose(), b"");
        assert_eq!(
            decode("abcdef", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx").unwrap().expose(),
            data_encoding::HEXLOWER.decode(b"ffbbcdeb38bdab49ca307b9ac5a928398a418820").unwrap()
        );
    }

    #[test]
    fn the_published_invalid_vectors_are_refused() {
        for (prefix, text) in [
            ("y", "y1b0jsk6g"),
            ("lt", "lt1igcx5c0"),
            ("in", "in1muywd"),
            ("mm", "mm1crxm3i"),
            ("au", "au1s5cgom"),
            ("m", "M1VUXWEZ"),
            ("qyrz8wqd2c9m", "qyrz8wqd2c9m"),
            ("a", "A1lqfn3a"),
        ] {
            assert!(decode(prefix, text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..=41)) {
            let text = encode("csroot", &bytes).unwrap();
            prop_assert!(decode("csroot", &text).unwrap().ct_eq(&bytes));
            prop_assert!(decode("csroot", &text.to_ascii_uppercase()).unwrap().ct_eq(&bytes));
            prop_assert!(decode("cspub", &text).is_err());
        }

        #[test]
        fn up_to_four_wrong_characters_are_found(
            bytes in proptest::collection::vec(any::<u8>(), 33),
            wrong in proptest::collection::btree_map(6_usize..64, 1_u8..32, 1..=4),
        ) {
            let mut text = encode("cspub", &bytes).unwrap().into_bytes();
            for (at, by) in wrong {
                let digit = DIGITS.iter().position(|d| *d == text[at]).unwrap() as u8;
                text[at] = DIGITS[usize::from(digit ^ by)];
            }
            prop_assert!(decode("cspub", std::str::from_utf8(&text).unwrap()).is_err());
        }

        #[test]
        fn what_is_accepted_is_the_one_text(text in "cs1[a-z0-9]{0,24}|\\PC{0,40}") {
            if let Ok(bytes) = decode("cs", &text) {
                prop_assert_eq!(encode("cs", bytes.expose()).unwrap(), text.to_ascii_lowercase());
            }
        }
    }
}
