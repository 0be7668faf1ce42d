//! Tokens that the server generates for a client to keep: `csd_` and 36 letters and digits.
//!
//! The prefix says what leaked when one is found in a repository or a log; the checksum refuses a typo before any look-up, and lets
//! a scanner tell a token from a word. Only a hash is stored.

use crate::KeyError;
use aws_lc_rs::digest::{SHA256, digest};
use types::{Random, SecretString};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters drawn by chance: 178 bits.
const CHANCE_LEN: usize = 30;
/// 62⁶ exceeds 2³².
const CHECKSUM_LEN: usize = 6;

/// A token that is well formed: its prefix is the wanted one and its checksum is right. Whether anyone was ever given it, the
/// store must say.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Makes one. `prefix` names the kind: two to eight small letters, such as `csd`.
    pub fn generate(prefix: &'static str, random: &dyn Random) -> Self {
        let mut text = String::with_capacity(prefix.len() + 1 + CHANCE_LEN + CHECKSUM_LEN);
        text.push_str(prefix);
        text.push('_');
        let mut left = CHANCE_LEN;
        while left > 0 {
            let mut bytes = [0_u8; CHANCE_LEN];
            random.fill(&mut bytes);
            // 248 is the last multiple of 62 in a byte: what is past it would favour some digits.
            for byte in bytes.into_iter().filter(|byte| *byte < 248).take(left) {
                text.push(digit(u32::from(byte)));
                left -= 1;
            }
        }
        let checksum = checksum(text.as_bytes());
        text.extend(checksum);
        Self(SecretString::new(text))
    }

    /// Takes a text from outside. Nothing is looked up: [`KeyError::Malformed`] for another prefix, length, alphabet or a wrong
    /// checksum.
    pub fn parse(prefix: &'static str, text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed("token");
        let Some(body) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else {
            return Err(malformed);
        };
        if body.len() != CHANCE_LEN + CHECKSUM_LEN || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(malformed);
        }
        let Some((signed, given)) = text.split_at_checked(text.len() - CHECKSUM_LEN) else { return Err(malformed) };
        if checksum(signed.as_bytes()).into_iter().eq(given.chars()) {
            Ok(Self(SecretString::new(text.to_owned())))
        } else {
            Err(malformed)
        }
    }

    /// The text, for the client that it is given to, and for a keyed [`digest`](crate::TenantKeys::digest) where the tenant is known.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored where no tenant is known before the look-up: SHA-256 of the text. With 178 bits of chance in it, it needs no
    /// key and no stretching.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(digest(&SHA256, self.0.expose().as_bytes()).as_ref()) {
            *to = *from;
        }
        out
    }
}

fn digit(value: u32) -> char {
    char::from(DIGITS.get((value % 62) as usize).copied().unwrap_or(b'0'))
}

/// CRC-32 in base 62, the most significant digit first.
fn checksum(bytes: &[u8]) -> [char; CHECKSUM_LEN] {
    let mut rest = crc32(bytes);
    let mut out = ['0'; CHECKSUM_LEN];
    for place in out.iter_mut().rev() {
        *place = digit(rest);
        rest /= 62;
    }
    out
}

/// CRC-32 of ISO 3309, as zip and PNG use it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::world::SeededRandom;

    #[test]
    fn the_crc_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_token_of_another_kind_is_refused() {
        let token = Token::generate("csd", &SeededRandom::new(1));
        assert_eq!(token.expose().len(), 40);
        assert!(Token::parse("csd", token.expose()).is_ok());
        assert!(Token::parse("csa", token.expose()).is_err());
        let renamed = token.expose().replace("csd_", "csa_");
        assert!(Token::parse("csa", &renamed).is_err(), "the checksum covers the prefix");
    }

    #[test]
    fn every_digit_is_about_as_likely() {
        let random = SeededRandom::new(7);
        let mut seen = [0_u32; 128];
        for _ in 0..2000 {
            let token = Token::generate("csd", &random);
            token.expose()[4..34].bytes().for_each(|byte| seen[usize::from(byte)] += 1);
        }
        // 60,000 draws over 62 digits: 968 each, with a standard deviation of 31.
        assert!(DIGITS.iter().all(|digit| (800..1140).contains(&seen[usize::from(*digit)])));
    }

    proptest! {
        #[test]
        fn any_token_survives_and_any_typo_is_found(seed: u64, at in 4_usize..40, to in 0_usize..62) {
            let token = Token::generate("csd", &SeededRandom::new(seed));
            let mut text = token.expose().to_owned().into_bytes();
            prop_assert_eq!(Token::parse("csd", token.expose()).unwrap().hash(), token.hash());
            let typo = text[at] != DIGITS[to];
            text[at] = DIGITS[to];
            prop_assert_eq!(Token::parse("csd", std::str::from_utf8(&text).unwrap()).is_err(), typo);
        }

        #[test]
        fn garbage_is_refused_without_panic(text in "\\PC{0,50}|csd_\\PC{0,40}|csd_[0-9A-Za-z]{36}") {
            prop_assert!(Token::parse("csd", &text).is_err());
        }
    }
}
