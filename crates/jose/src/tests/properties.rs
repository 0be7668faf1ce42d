//! Whatever comes, nothing panics; and what was signed is what is read.

use crate::{
    Algorithm, Algorithms, Audience, Expect, Jwk, JwkSet, KeySet, SigningKey, Unverified, base64url, base64url_decode,
    json, verify_jwt,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use types::Millis;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).unwrap().0);

fn read(token: &str) -> Option<Value> {
    let keys = KeySet::from(KEY.verify_key().unwrap());
    let expect = Expect { issuer: None, needs_expiry: false, ..Expect::new("", Audience::Unchecked, Millis(0)) };
    verify_jwt(token, &keys, Algorithms::ASYMMETRIC, &expect).ok().map(crate::Verified::into_claims)
}

proptest! {
    #[test]
    fn what_was_signed_is_what_is_read(texts in proptest::collection::btree_map("[a-z]{4,9}", "\\PC{0,20}", 0..6)) {
        let token = KEY.sign_jwt(None, &texts).unwrap();
        prop_assert_eq!(read(&token), Some(json!(texts)));
    }

    #[test]
    fn a_changed_token_is_refused(at in 0_usize..200, to in "[A-Za-z0-9_.-]", text in "[a-z]{0,30}") {
        let token = KEY.sign_jwt(Some("JWT"), &json!({ "text": text })).unwrap();
        let mut letters: Vec<char> = token.chars().collect();
        let at = at % letters.len();
        let letter = to.chars().next().unwrap();
        prop_assume!(letters[at] != letter);
        letters[at] = letter;
        prop_assert_eq!(read(&letters.into_iter().collect::<String>()), None);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Unverified::parse(&text);
        let _ = Unverified::parse(&format!("{}.{}.{}", base64url(text.as_bytes()), base64url(&bytes), base64url(&bytes)));
        let _ = Jwk::parse(&text);
        let _ = JwkSet::parse(&bytes);
        let _ = json::parse(&bytes, 100);
        let _ = crate::dpop::same_uri(&text, &text);
    }

    #[test]
    fn base64url_has_one_text_for_each_value(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "[A-Za-z0-9_-]{0,80}") {
        prop_assert_eq!(base64url_decode(&base64url(&bytes)).unwrap(), bytes);
        if let Ok(bytes) = base64url_decode(&text) {
            prop_assert_eq!(base64url(&bytes), text);
        }
    }

    #[test]
    fn json_that_is_read_is_read_as_anybody_reads_it(text in "\\PC{0,60}|[\\[\\]{}:,\"a-c0-9 ]{0,60}") {
        if let Ok(value) = json::parse(text.as_bytes(), 1000) {
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
