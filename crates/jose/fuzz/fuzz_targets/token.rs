//! A token is read or refused; without the key nothing verifies.
#![no_main]

use countersign_jose::{Algorithms, KeySet, Unverified};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(token) = Unverified::parse(text) {
        let _ = token.hint("sub");
        assert!(token.verify(&KeySet::new(Vec::new()), Algorithms::ASYMMETRIC).is_err());
    }
});
