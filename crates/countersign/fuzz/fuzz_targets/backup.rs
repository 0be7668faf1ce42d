//! Any bytes as a backup: no panic, and nothing but a whole one is taken for one.
#![no_main]

use countersign::backup::fuzzing::is_backup;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // What is shorter than the header of the manifest holds no manifest.
    assert!(!is_backup(data) || data.len() > 512);
});
