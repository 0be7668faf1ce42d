//! A filter as an administrator writes it.
#![no_main]

use countersign_upstream::ldap::Filter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if Filter::parse(text).is_ok() {
        assert!(text.contains("{user}"));
    }
});
