//! What a supplier answers to a submission: whatever it is, no panic, and no id that doesn't fit into a path.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_messaging::fuzzing::fuzz_answers(bytes));
