//! Messages in an address.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = countersign_saml::exposed::query(text);
});
