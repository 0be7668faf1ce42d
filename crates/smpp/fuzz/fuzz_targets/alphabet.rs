//! The GSM alphabet: any octets are read, and what can be written is read again as it was.
#![no_main]

use countersign_smpp::gsm;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let text = gsm::decode(octets);
    assert!(text.chars().count() <= octets.len());
    let mut written = Vec::new();
    for c in text.chars() {
        match gsm::septets(c) {
            Some(septets) => septets.put(&mut written),
            None => assert_eq!(c, char::REPLACEMENT_CHARACTER),
        }
    }
    assert!(written.iter().all(|octet| *octet < 128));
    let again = gsm::decode(&written);
    assert_eq!(again, text.replace(char::REPLACEMENT_CHARACTER, ""));
});
