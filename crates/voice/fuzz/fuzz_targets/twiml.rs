//! A document of a call, from whoever.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| countersign_voice::fuzzing::fuzz_document(text));
