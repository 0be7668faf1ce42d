//! What a browser calls itself.
#![no_main]

use countersign_auth::sign_in::Agent;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let agent = Agent::read(text);
    assert!(agent.version.len() <= 6 && agent.version.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(agent.to_string().len() < 64);
});
