//! The claims of a request that its client has signed, and what an authorisation request makes of them.
#![no_main]

use countersign_oidc::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|claims: &[u8]| {
    let _ = fuzzing::request_object(claims);
});
