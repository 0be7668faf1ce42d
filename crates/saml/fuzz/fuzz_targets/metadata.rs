//! An application's metadata: what is read can be stored and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(read) = countersign_saml::exposed::metadata(octets) {
        assert!(!read.consumers.is_empty());
    }
});
