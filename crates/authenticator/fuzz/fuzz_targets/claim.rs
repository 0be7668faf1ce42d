//! The header by which a device says who it is.
#![no_main]

use countersign_authenticator::proof::claim;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let _ = claim(header);
});
