//! A `Host`: what is taken for one is a name in one form.
#![no_main]

use countersign_sso::host::Host;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(host) = Host::parse(text) {
        assert!(host.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'));
        assert_eq!(Host::parse(host.origin(true).trim_start_matches("https://")), Some(host));
    }
});
