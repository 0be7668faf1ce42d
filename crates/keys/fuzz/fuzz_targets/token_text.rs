//! The text of a token, as it comes in a header.
#![no_main]

use countersign_keys::Token;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(token) = Token::parse("csd", text) {
        assert_eq!(token.expose(), text);
        assert_eq!(text.len(), 40);
    }
});
