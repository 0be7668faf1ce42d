//! A ceremony's kept state, and an AAGUID's text.
#![no_main]

use countersign_webauthn::{Aaguid, AssertionState, RegistrationState};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(state) = RegistrationState::from_bytes(bytes) {
        let written = state.to_bytes().unwrap();
        assert_eq!(RegistrationState::from_bytes(&written).unwrap().to_bytes().unwrap(), written);
    }
    if let Ok(state) = AssertionState::from_bytes(bytes) {
        let written = state.to_bytes().unwrap();
        assert_eq!(AssertionState::from_bytes(&written).unwrap().to_bytes().unwrap(), written);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(aaguid) = text.parse::<Aaguid>()
    {
        assert_eq!(aaguid.to_string(), text.to_ascii_lowercase());
    }
});
