//! Envelopes of SOAP, from whatever octets.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let _ = countersign_saml::exposed::soap(octets);
});
