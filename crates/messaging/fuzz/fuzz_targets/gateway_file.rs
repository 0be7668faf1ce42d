//! Any text as a gateway file: it is taken or refused, and a refusal never quotes what may be a password.
#![no_main]

use countersign_messaging::Gateway;

const SECRET: &str = "correct-horse-battery";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let text = text.replace('§', SECRET);
    if let Err(error) = Gateway::read(&text) {
        // A carrier's or a route's name may be anything, and is shown; a value isn't.
        let named = text.lines().any(|line| line.contains(SECRET) && (line.contains('[') || !line.contains('=')));
        assert!(named || !error.to_string().contains(SECRET), "a value is quoted");
    }
});
