//! A code on its way round: it is spoken only after a key, so the supplier gets it in the answer to that key, and not before.
//!
//! Between the order of the call and the key it stands in the address that the supplier calls back, encrypted: so nothing is stored,
//! and whichever node hears the key can say the code. The key to it is made from the account's token. Who has that can hear the code
//! anyway, because the supplier speaks it; and it is bound to the message's ticket, which is believed for ten minutes.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use data_encoding::BASE64URL_NOPAD;
use types::{Random, SecretString};
use zeroize::Zeroizing;

/// Language, a zero, code, and zeros up to this length: nobody reads from the address how long a code is.
const PADDED: usize = 80;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Version of this form.
const INFO: &[&[u8]] = &[b"countersign/twilio/words/1"];

/// A code and the language to say it in.
pub(super) struct Words {
    pub(super) language: String,
    pub(super) code: SecretString,
}

impl Words {
    /// For the callback's query: letters, digits, `-` and `_`. `None` if it is longer than any code.
    pub(super) fn seal(&self, token: &SecretString, ticket: &str, random: &dyn Random) -> Option<String> {
        let mut plain = Zeroizing::new(Vec::with_capacity(PADDED + TAG));
        plain.extend_from_slice(self.language.as_bytes());
        plain.push(0);
        plain.extend_from_slice(self.code.expose().as_bytes());
        if plain.len() > PADDED || self.language.contains('\0') || self.code.expose().contains('\0') {
            return None;
        }
        plain.resize(PADDED, 0);
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let tag = key(token)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(ticket.as_bytes()),
                plain.as_mut_slice(),
            )
            .ok()?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&plain);
        sealed.extend_from_slice(tag.as_ref());
        Some(BASE64URL_NOPAD.encode(&sealed))
    }

    /// What was sealed for this ticket. `None` for anything else.
    pub(super) fn open(text: &str, token: &SecretString, ticket: &str) -> Option<Self> {
        if text.len() != BASE64URL_NOPAD.encode_len(NONCE + PADDED + TAG) {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key(token)?.open_in_place(nonce, Aad::from(ticket.as_bytes()), sealed.as_mut_slice()).ok()?;
        let mut parts = plain.split(|byte| *byte == 0);
        let text = |part: &[u8]| std::str::from_utf8(part).ok().map(str::to_owned);
        let (language, code) = (text(parts.next()?)?, text(parts.next()?)?);
        Some(Self { language, code: SecretString::new(code) })
    }
}

fn key(token: &SecretString) -> Option<LessSafeKey> {
    let secret = Salt::new(HKDF_SHA256, &[]).extract(token.expose().as_bytes());
    let key = UnboundKey::from(secret.expand(INFO, &AES_256_GCM).ok()?);
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use types::{Millis, World};

    proptest! {
        #[test]
        fn only_its_own_ticket_and_token_open_it(code in "[0-9A-Za-z]{1,32}", language in "[a-z]{2}(-[A-Z]{2})?", seed: u64) {
            let (world, _) = World::made(Millis(0), seed);
            let token = SecretString::new("token".to_owned());
            let words = Words { language: language.clone(), code: SecretString::new(code.clone()) };
            let sealed = words.seal(&token, "ticket", world.random.as_ref()).unwrap();
            prop_assert!(!sealed.contains(&code) || code.len() < 4);
            let opened = Words::open(&sealed, &token, "ticket").unwrap();
            prop_assert!(opened.code.ct_eq(&code) && opened.language == language);
            prop_assert!(Words::open(&sealed, &token, "other").is_none());
            prop_assert!(Words::open(&sealed, &SecretString::new("other".to_owned()), "ticket").is_none());
            prop_assert!(Words::open(&sealed[1..], &token, "ticket").is_none());
        }

        #[test]
        fn nothing_else_opens(text in "[A-Za-z0-9_-]{0,200}|\\PC{0,60}") {
            prop_assert!(Words::open(&text, &SecretString::new("token".to_owned()), "ticket").is_none());
        }
    }

    #[test]
    fn what_is_too_long_is_not_sealed() {
        let (world, _) = World::made(Millis(0), 1);
        let words = Words { language: "en".to_owned(), code: SecretString::new("1".repeat(78)) };
        assert!(words.seal(&SecretString::new("t".to_owned()), "x", world.random.as_ref()).is_none());
    }
}
