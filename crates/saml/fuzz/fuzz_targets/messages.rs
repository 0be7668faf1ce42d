//! Every message that is read, from whatever octets.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let _ = countersign_saml::exposed::messages(octets);
});
