//! The vectors of the standard itself (level 3, "Test Vectors"): fifteen pairs of a registration and a sign-in.

use crate::{
    forge::NOW,
    service::{Model, Service},
};
use countersign_webauthn::*;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use types::Random;

/// Gives the vector's challenge in place of chance.
struct Given(Vec<u8>);

impl Random for Given {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

fn file() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn base64(value: &Value) -> Value {
    json!(BASE64URL_NOPAD.encode(&hex(value)))
}

fn answer(vector: &Value, response: Value) -> Vec<u8> {
    let id = base64(&vector["credential_id"]);
    json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": response })
        .to_string()
        .into_bytes()
}

fn rp() -> RelyingParty {
    RelyingParty {
        id: "example.org".to_owned(),
        name: "Example".to_owned(),
        origins: vec!["https://example.org".to_owned()],
    }
}

/// One of the pairs, and the root of their attestations.
pub(crate) fn vector(name: &str) -> (Value, Vec<u8>) {
    let file = file();
    let vector = file["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name).unwrap().clone();
    (vector, hex(&file["attestation_ca_cert"]))
}

pub(crate) fn hex(value: &Value) -> Vec<u8> {
    HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

pub(crate) fn register(vector: &Value, metadata: Option<&Metadata>) -> Result<RegisteredPasskey, WebauthnError> {
    let person = PersonHandle { id: vec![1], name: "ana".to_owned(), display_name: String::new() };
    let ceremony = &vector["registration"];
    let ask = RegistrationAsk { verification: Verification::Preferred, ..RegistrationAsk::second_factor(Vec::new()) };
    let (_, state) = rp().start_registration(&person, ask, &Given(hex(&ceremony["challenge"]))).unwrap();
    let response = json!({
        "clientDataJSON": base64(&ceremony["clientDataJSON"]),
        "attestationObject": base64(&ceremony["attestationObject"]),
    });
    rp().finish_registration(state, &answer(vector, response), &AttestationPolicy::default(), metadata, NOW)
}

fn sign_in(vector: &Value, passkey: &RegisteredPasskey) -> Result<VerifiedAssertion, WebauthnError> {
    let ceremony = &vector["authentication"];
    let passkey = PasskeyForSignIn {
        credential_id: passkey.credential_id.clone(),
        credential: passkey.credential.clone(),
        transports: String::new(),
        counter: 0,
        user_handle: vec![1],
    };
    let challenge = Given(hex(&ceremony["challenge"]));
    // The vectors' flags are chance: some verify the user at registration and not at sign-in.
    let (_, state) =
        rp().start_assertion(std::slice::from_ref(&passkey), Verification::Discouraged, &challenge).unwrap();
    let response = json!({
        "clientDataJSON": base64(&ceremony["clientDataJSON"]),
        "authenticatorData": base64(&ceremony["authenticatorData"]),
        "signature": base64(&ceremony["signature"]),
    });
    rp().finish_assertion(state, &answer(vector, response), &passkey)
}

#[test]
fn the_standards_vectors() {
    let file = file();
    let mut seen = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        if hex(&vector["registration"]["challenge"]).len() != 32 {
            // ES512, which isn't offered: its challenge is 128 bytes long, and ours are 32.
            assert_eq!(name, "packed-es512");
            continue;
        }
        seen += 1;
        let result = register(vector, None);
        match name {
            "none-es256-crossOrigin" | "none-es256-topOrigin" => {
                assert!(matches!(result, Err(WebauthnError::CrossOrigin)), "{name}: {result:?}");
            }
            // Not offered: Ed25519 and Ed448 (the core can't verify them), RSA of other lengths than 2048 bits.
            "packed-eddsa" | "packed-ed448" | "packed-rs256" => {
                assert!(matches!(result, Err(WebauthnError::Key)), "{name}: {result:?}");
            }
            _ => {
                let passkey = result.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert_eq!(passkey.credential_id, hex(&vector["credential_id"]), "{name}");
                let signed = sign_in(vector, &passkey).unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert_eq!(signed.credential_id, passkey.credential_id, "{name}");
                if name != "fido-u2f-es256" {
                    assert_eq!(passkey.aaguid.0.to_vec(), hex(&vector["aaguid"]), "{name}");
                }
            }
        }
    }
    assert_eq!(seen, 14);
}

#[test]
fn the_standards_attestations_lead_to_the_standards_root() {
    let (_, root) = vector("none-es256");
    let service = Service::new();
    let verified = |name: &str, roots: &[&[u8]]| {
        let (vector, _) = vector(name);
        let aaguid = Aaguid(hex(&vector["aaguid"]).try_into().unwrap());
        let metadata = service.metadata(1, &[Model::new(aaguid, "Vector", roots)]);
        register(&vector, Some(&metadata)).map(|passkey| passkey.attestation)
    };
    for name in ["packed-es256", "packed-es384", "apple-es256", "fido-u2f-es256", "tpm-es256"] {
        assert_eq!(verified(name, &[&root]).unwrap(), Attestation::Verified, "{name}");
        // The same model under another maker's root.
        let refused = verified(name, &[&Service::new().root_der()]);
        assert!(matches!(refused, Err(WebauthnError::AttestationUntrusted)), "{name}: {refused:?}");
    }
    assert_eq!(verified("packed-self-es256", &[&root]).unwrap(), Attestation::Itself);
    assert_eq!(verified("none-es256", &[&root]).unwrap(), Attestation::None);
    // A kind that the core doesn't verify all of: it counts as no attestation.
    assert_eq!(verified("android-key-es256", &[&root]).unwrap(), Attestation::None);
}
