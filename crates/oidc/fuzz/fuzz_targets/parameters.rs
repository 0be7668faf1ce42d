//! A request's parameters and what an authorisation request makes of them.
#![no_main]

use countersign_oidc::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::request(bytes);
});
