//! A provider's metadata: what is accepted can be used.
#![no_main]

use countersign_types::Millis;
use countersign_upstream::saml::Provider;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(provider) = Provider::from_metadata(octets, None, None, Millis(1_795_327_200_000)) {
        assert!(!provider.keys.is_empty() && provider.keys.len() <= 8);
        assert!(provider.sign_on.iter().all(|endpoint| countersign_upstream::check_address(&endpoint.location).is_ok()));
    }
});
