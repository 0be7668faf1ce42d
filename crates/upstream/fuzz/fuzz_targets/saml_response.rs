//! The form value that a provider's answer comes in: nothing that a fuzzer writes is somebody.
#![no_main]

use std::time::Duration;

use countersign_types::Millis;
use countersign_upstream::saml::{Answers, Expect, Provider, Service};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let service = Service {
        entity_id: "https://sp.example".to_owned(),
        acs: "https://sp.example/acs".to_owned(),
        signing: None,
        decryption: Vec::new(),
        encryption_certificate: None,
    };
    let provider = Provider {
        entity_id: "https://idp.example".to_owned(),
        sign_on: Vec::new(),
        keys: Vec::new(),
        wants_signed_requests: false,
        valid_until: None,
        cache_for: None,
    };
    let expect = Expect {
        answers: Answers::Unasked,
        now: Millis(1_795_327_200_000),
        skew: Duration::from_secs(60),
        contexts: &[],
        fresh_since: None,
    };
    if let Ok(text) = std::str::from_utf8(octets) {
        assert!(service.receive(&provider, text, &expect).is_err());
        assert!(service.receive(&provider, &countersign_xmlsig::post::encode(text), &expect).is_err());
    }
});
