//! Any bytes as a form, and what is asked of its parameters and pages: no panic.
#![no_main]

use countersign_messaging_api::fuzzing::form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| form(data));
