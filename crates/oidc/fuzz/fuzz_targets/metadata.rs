//! What a program says of itself when it registers.
#![no_main]

use countersign_oidc::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Whatever it says, it is never the organisation's own and always uses PKCE.
    assert_ne!(fuzzing::metadata(bytes), Some(false));
});
