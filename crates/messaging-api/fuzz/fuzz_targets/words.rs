//! Any bytes as Verify's `RateLimits`: no panic.
#![no_main]

use countersign_messaging_api::fuzzing::words;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| words(data));
