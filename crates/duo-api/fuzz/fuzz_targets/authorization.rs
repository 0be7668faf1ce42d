//! Any bytes as `Authorization` header: no panic, and what is read is within its bounds.
#![no_main]

use countersign_duo_api::wire::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(credentials) = Credentials::parse(data) {
        assert!((1..=64).contains(&credentials.integration_key().len()));
        assert!(matches!(credentials.signature().len(), 20 | 64));
    }
});
