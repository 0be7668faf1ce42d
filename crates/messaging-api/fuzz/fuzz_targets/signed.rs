//! Any bytes as what a device has signed: no panic.
#![no_main]

use countersign_messaging_api::fuzzing::signed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| signed(data));
