//! Where a person may be sent: no text leads elsewhere than to what was registered.
#![no_main]

use countersign_oidc::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (_, registered) = fuzzing::redirect_uri(text);
    if registered {
        let port = text.strip_prefix("http://127.0.0.1").and_then(|rest| rest.strip_suffix("/cb"));
        let local = port.is_some_and(|port| port.is_empty() || port.starts_with(':'));
        assert!(text == "https://app.example/cb" || local, "{text:?}");
    }
});
