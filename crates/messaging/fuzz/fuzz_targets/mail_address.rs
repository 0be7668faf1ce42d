//! A mail address: what is accepted holds nothing that could end a header or a command.
#![no_main]

use countersign_messaging::EmailAddress;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<EmailAddress>() {
        let text = address.expose();
        assert!(text.len() <= EmailAddress::MAX_BYTES && text.matches('@').count() == 1);
        assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;\"\\()[]".contains(c)));
        assert!(text.parse::<EmailAddress>().is_ok_and(|again| again == address));
    }
});
