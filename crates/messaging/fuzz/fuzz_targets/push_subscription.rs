//! A push subscription, as a device sends it.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| countersign_messaging::fuzzing::fuzz_subscription(bytes));
