//! A JWT: no panic, and never verified, as nobody signed it.
#![no_main]

use countersign_duo_api::wire::jwt::{UnverifiedJwt, host_of_audience};
use countersign_types::SecretString;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = host_of_audience(text, "/oauth/v1/token", "api-alfa.example.test");
    if let Ok(jwt) = UnverifiedJwt::read(text) {
        let _ = jwt.claimed_issuer();
        let key = SecretString::new("a key of forty letters not in the corpus".to_owned());
        assert!(jwt.verify::<BTreeMap<String, f64>>(&key).is_err());
    }
});
