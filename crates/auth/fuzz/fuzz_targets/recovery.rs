//! What somebody typed where a recovery code or an access pass is expected.
#![no_main]

use countersign_auth::account::fuzzing::read_recovery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(secret) = read_recovery(text) {
        assert!(matches!(secret.expose().len(), 12 | 16));
        // What was read is read again as it is.
        assert!(read_recovery(secret.expose()).is_some_and(|again| again.ct_eq(secret.expose())));
    }
});
