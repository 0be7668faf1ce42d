//! What a directory sends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let _ = countersign_upstream::ldap::is_message(octets);
});
