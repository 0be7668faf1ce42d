//! The query of the HTTP-Redirect binding.
#![no_main]

use countersign_xmlsig::{Limits, redirect::Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    if let Ok(message) = Message::parse(query, &Limits::MESSAGE) {
        assert!(message.unverified().root().descendants().count() >= 1);
        assert!(message.relay_state().is_none_or(|state| state.len() <= countersign_xmlsig::redirect::MAX_RELAY_STATE));
    }
});
