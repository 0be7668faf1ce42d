//! A passkey in software, and a browser that says what it is told to: honest sign-ins, and lies.

use crate::support::House;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use store::PasskeyRow;
use types::{PasskeyId, UserId};
use webauthn::{AttestationPolicy, PersonHandle, RegistrationAsk, RelyingParty};

pub(crate) const ORIGIN: &str = "https://api-acme.example.test";
const RP_ID: &str = "api-acme.example.test";
/// Present, verified.
const FLAGS: u8 = 0x05;
const ATTESTED: u8 = 0x40;

pub(crate) struct SoftPasskey {
    key: EcdsaKeyPair,
    credential: Vec<u8>,
    pub(crate) user: UserId,
    pub(crate) id: PasskeyId,
    pub(crate) flags: u8,
}

impl SoftPasskey {
    /// Makes a passkey and registers it for `user`, by the ceremony that a browser would go through.
    pub(crate) async fn register(house: &House, user: UserId, transports: &[&str]) -> Self {
        let id = PasskeyId::new(house.world.now(), house.world.random.as_ref());
        let soft = Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: house.world.bytes::<24>().to_vec(),
            user,
            id,
            flags: FLAGS,
        };
        let party = RelyingParty { id: RP_ID.to_owned(), name: "Acme".to_owned(), origins: vec![ORIGIN.to_owned()] };
        let person =
            PersonHandle { id: user.as_bytes().to_vec(), name: "ana".to_owned(), display_name: "Ana".to_owned() };
        let ask = RegistrationAsk::only_factor(Vec::new());
        let (options, state) = party.start_registration(&person, ask, house.world.random.as_ref()).unwrap();
        let answer = soft.registration(&options, transports);
        let made =
            party.finish_registration(state, &answer, &AttestationPolicy::default(), None, house.world.now()).unwrap();
        let row = PasskeyRow {
            id,
            user_id: user,
            credential_id: made.credential_id,
            credential: made.credential,
            name: "Ana's key".to_owned(),
            aaguid: made.aaguid.to_string(),
            transports: made.transports,
            counter: i64::from(made.counter),
            backup_eligible: made.backup_eligible,
            backed_up: made.backed_up,
            user_verified: made.user_verified,
            attestation: "none".to_owned(),
            suspended_at: None,
            suspended_reason: String::new(),
            last_used: None,
            created: house.world.now(),
        };
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.insert_passkey(&row).await.unwrap());
        tx.commit().await.unwrap();
        soft
    }

    fn data(&self, flags: u8, counter: u32) -> Vec<u8> {
        let mut data = digest(&SHA256, RP_ID.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(counter.to_be_bytes());
        data
    }

    fn registration(&self, options: &Value, transports: &[&str]) -> Vec<u8> {
        let client = client_data("webauthn.create", options, ORIGIN);
        let mut data = self.data(FLAGS | ATTESTED, 0);
        data.extend([0; 16]);
        data.extend((self.credential.len() as u16).to_be_bytes());
        data.extend(&self.credential);
        // COSE (RFC 9052): EC2, ES256, P-256.
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // CBOR: { "fmt": "none", "attStmt": {}, "authData": … }.
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend((data.len() as u16).to_be_bytes());
        object.extend(&data);
        self.answer(json!({
            "attestationObject": BASE64URL_NOPAD.encode(&object),
            "clientDataJSON": BASE64URL_NOPAD.encode(&client),
            "transports": transports,
        }))
    }

    /// The answer to a sign-in's options, from a page at `origin`, with this counter.
    pub(crate) fn sign(&self, options: &Value, origin: &str, counter: u32) -> Vec<u8> {
        let client = client_data("webauthn.get", options, origin);
        let data = self.data(self.flags, counter);
        let signed = [data.as_slice(), digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(json!({
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "clientDataJSON": BASE64URL_NOPAD.encode(&client),
            "signature": BASE64URL_NOPAD.encode(signature.as_ref()),
            "userHandle": BASE64URL_NOPAD.encode(self.user.as_bytes()),
        }))
    }

    fn answer(&self, response: Value) -> Vec<u8> {
        let id = BASE64URL_NOPAD.encode(&self.credential);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": response })
            .to_string()
            .into_bytes()
    }
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false })
        .to_string()
        .into_bytes()
}
