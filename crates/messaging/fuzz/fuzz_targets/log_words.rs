//! An opened part of the message log: whoever had the server could have sealed anything to the tenant.
#![no_main]

use countersign_messaging::log::{Words, segments_of};
use countersign_types::SecretBytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(words) = Words::read(SecretBytes::new(bytes.to_vec())) {
        let _ = words.at();
    }
    let _ = segments_of(bytes);
});
