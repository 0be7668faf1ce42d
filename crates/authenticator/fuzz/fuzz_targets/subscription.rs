//! The body by which a device says where it takes its pushes.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| countersign_authenticator::fuzzing::fuzz_wanted(body));
