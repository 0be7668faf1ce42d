//! Any text as signed date: no panic.
#![no_main]

use countersign_duo_api::wire::parse_date;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = parse_date(text);
});
