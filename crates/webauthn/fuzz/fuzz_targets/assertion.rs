//! A sign-in's answer: whole, or its authenticator data and signature behind client data that is right. None signs in.
#![no_main]

use countersign_types::{Millis, World};
use countersign_webauthn::{AssertionState, PasskeyForSignIn, RelyingParty, Verification};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// The base point of P-256: a key that nobody here can sign with.
const STORED: &str = r#"{"v":1,"key":{"type_":"ES256","key":{"EC_EC2":{"curve":"SECP256R1",
"x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}}},
"user_verified":true,"backup_eligible":false}"#;

fuzz_target!(|input: (Option<Vec<u8>>, Vec<u8>, Vec<u8>)| {
    let (whole, data, signature) = input;
    let rp = RelyingParty {
        id: "id.example.test".to_owned(),
        name: "Example".to_owned(),
        origins: vec!["https://id.example.test".to_owned()],
    };
    let passkey = PasskeyForSignIn {
        credential_id: vec![1, 2, 3],
        credential: STORED.as_bytes().to_vec(),
        transports: String::new(),
        counter: 0,
        user_handle: vec![1; 16],
    };
    let (world, _) = World::made(Millis(0), 1);
    let allow = std::slice::from_ref(&passkey);
    let (options, state) = rp.start_assertion(allow, Verification::Discouraged, world.random.as_ref()).unwrap();
    let state = AssertionState::from_bytes(&state.to_bytes().unwrap()).unwrap();
    let answer = whole.unwrap_or_else(|| {
        let client_data =
            json!({ "type": "webauthn.get", "challenge": options["challenge"], "origin": "https://id.example.test" });
        json!({
            "id": "AQID",
            "rawId": "AQID",
            "type": "public-key",
            "response": {
                "authenticatorData": BASE64URL_NOPAD.encode(&data),
                "clientDataJSON": BASE64URL_NOPAD.encode(client_data.to_string().as_bytes()),
                "signature": BASE64URL_NOPAD.encode(&signature),
            },
        })
        .to_string()
        .into_bytes()
    });
    let _ = RelyingParty::identify(&answer);
    assert!(rp.finish_assertion(state, &answer, &passkey).is_err());
});
