//! An attestation object behind client data that is right: statement, authenticator data, key, extensions.
#![no_main]

use countersign_types::{Millis, World};
use countersign_webauthn::{AttestationPolicy, PersonHandle, RegistrationAsk, RelyingParty};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|object: &[u8]| {
    let rp = RelyingParty {
        id: "id.example.test".to_owned(),
        name: "Example".to_owned(),
        origins: vec!["https://id.example.test".to_owned()],
    };
    let person = PersonHandle { id: vec![1; 16], name: "ana".to_owned(), display_name: String::new() };
    let (world, _) = World::made(Millis(0), 1);
    let ask = RegistrationAsk::second_factor(Vec::new());
    let (options, state) = rp.start_registration(&person, ask, world.random.as_ref()).unwrap();
    let client_data =
        json!({ "type": "webauthn.create", "challenge": options["challenge"], "origin": "https://id.example.test" });
    let answer = json!({
        "id": "AQID",
        "rawId": "AQID",
        "type": "public-key",
        "response": {
            "attestationObject": BASE64URL_NOPAD.encode(object),
            "clientDataJSON": BASE64URL_NOPAD.encode(client_data.to_string().as_bytes()),
        },
    });
    let policy = AttestationPolicy::default();
    let _ = rp.finish_registration(state, answer.to_string().as_bytes(), &policy, None, Millis(0));
});
