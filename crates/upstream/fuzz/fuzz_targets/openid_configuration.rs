//! What an OpenID provider says of itself.
#![no_main]

use countersign_upstream::oidc::Discovery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    if let Ok(found) = Discovery::parse(octets, "https://op.example") {
        assert!(countersign_upstream::check_address(&found.token_endpoint).is_ok());
    }
});
