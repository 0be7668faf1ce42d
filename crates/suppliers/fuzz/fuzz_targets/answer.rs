//! What a supplier answers to a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, u16, &[u8])| {
    let (which, status, body) = input;
    countersign_suppliers::fuzz_answer(which, status, body);
});
