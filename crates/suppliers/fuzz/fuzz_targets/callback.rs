//! What a supplier calls back, by the shape of every preset.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &str, &[u8])| {
    let (which, query, body) = input;
    countersign_suppliers::fuzz_hearing(which, query, body);
});
