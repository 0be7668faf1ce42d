//! Seeds and integration keys, as an administrator or another account gives them.
#![no_main]

use countersign_directory::{IntegrationKeys, Secret, Seed};
use countersign_types::SecretString;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let secret = SecretString::new(texts.1.to_owned());
    if let Ok(seed) = Seed::from_hex(&secret) {
        assert!((16..=64).contains(&seed.bytes().expose().len()));
    }
    if let Ok(seed) = Seed::from_base32(&secret) {
        let again = Seed::from_base32(&seed.to_base32()).unwrap();
        assert!(again.bytes().ct_eq(seed.bytes().expose()));
    }
    if let Ok(secret) = Secret::parse(&secret) {
        assert_eq!(secret.text().expose().len(), 40);
    }
    if let Ok(keys) = IntegrationKeys::parse(texts.0, &secret) {
        assert_eq!(keys.ikey, texts.0);
        assert_eq!(keys.ikey.len(), 20);
    }
});
