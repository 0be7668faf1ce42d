//! A supplier's callback, one `name=value` in each line: no panic, nothing that is too long to be sealed, and a signature that is
//! our own verifies.
#![no_main]

use countersign_messaging::{fuzzing::fuzz_form, signature};
use countersign_types::SecretString;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (url, form) = text.split_once('\n').unwrap_or((text, ""));
    let form: Vec<(String, String)> = form
        .lines()
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    fuzz_form(&form);
    let token = SecretString::new("token".to_owned());
    assert!(signature::verify(&token, url, &form, &signature::sign(&token, url, &form)));
});
