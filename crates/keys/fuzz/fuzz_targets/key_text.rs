//! `cspub1…` as a tenant's administrator pastes it, `cssec1…` as the command line reads it.
#![no_main]

use countersign_keys::{TenantPrivateKey, TenantPublicKey};
use countersign_types::SecretString;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(key) = TenantPublicKey::from_text(text) {
        assert_eq!(key.to_text(), text.trim_ascii().to_ascii_lowercase());
    }
    // A private key may be written unclamped, so its text can change once, but its public key can't.
    if let Ok(key) = TenantPrivateKey::from_text(&SecretString::new(text.to_owned())) {
        let again = TenantPrivateKey::from_text(&key.to_text()).unwrap();
        assert_eq!(again.public(), key.public());
    }
});
