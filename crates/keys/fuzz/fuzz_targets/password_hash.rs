//! A stored PHC string: whatever it asks for, the answer is quick.
#![no_main]

use countersign_keys::Passwords;
use countersign_types::SecretString;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fuzz_target!(|text: &str| {
    static PASSWORDS: OnceLock<Passwords> = OnceLock::new();
    let passwords = PASSWORDS.get_or_init(|| Passwords::with_cost(64, 1).unwrap());
    let _ = passwords.needs_rehash(&SecretString::new(text.to_owned()));
});
