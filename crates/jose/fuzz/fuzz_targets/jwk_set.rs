//! A set of keys that was read is written and read again the same.
#![no_main]

use countersign_jose::{JwkSet, KeySet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(set) = JwkSet::parse(bytes) {
        assert_eq!(JwkSet::from_value(&set.to_value()).unwrap(), set);
        let _ = KeySet::from_jwks(&set);
    }
});
