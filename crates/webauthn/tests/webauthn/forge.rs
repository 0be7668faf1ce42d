//! An authenticator and a browser that do as they are told, also what no real one would do. The honest flows are tested with
//! others' software (`foreign.rs`, `vectors.rs`); this one is for lies.

use aws_lc_rs::digest::{SHA256, digest};
use countersign_webauthn::*;
use data_encoding::BASE64URL_NOPAD;
use rcgen::{KeyPair, PKCS_RSA_SHA256, SigningKey};
use serde_json::{Value, json};
use types::{Millis, World};

pub(crate) const UP: u8 = 0x01;
pub(crate) const UV: u8 = 0x04;
pub(crate) const BE: u8 = 0x08;
pub(crate) const BS: u8 = 0x10;
pub(crate) const AT: u8 = 0x40;

pub(crate) const ORIGIN: &str = "https://id.example.test";
pub(crate) const RELATED: &str = "https://login.example-group.test";
/// Saturday, 21 November 2026, noon.
pub(crate) const NOW: Millis = Millis(1_795_262_400_000);

pub(crate) fn rp() -> RelyingParty {
    RelyingParty {
        id: "id.example.test".to_owned(),
        name: "Example".to_owned(),
        origins: vec![ORIGIN.to_owned(), RELATED.to_owned()],
    }
}

pub(crate) fn world() -> World {
    World::made(NOW, 7).0
}

pub(crate) fn person() -> PersonHandle {
    PersonHandle { id: vec![0xaa; 16], name: "ana".to_owned(), display_name: "Ana".to_owned() }
}

/// What an answer says, before it is signed. Each test changes what it is about.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) kind: &'static str,
    pub(crate) challenge: String,
    pub(crate) origin: String,
    /// More members of the client data: `,"crossOrigin":true`.
    pub(crate) more: String,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) user_handle: Option<Vec<u8>>,
    pub(crate) extensions: Value,
}

pub(crate) struct Forge {
    pub(crate) key: KeyPair,
    pub(crate) id: Vec<u8>,
    pub(crate) aaguid: [u8; 16],
}

impl Forge {
    /// With a P-256 key.
    pub(crate) fn new() -> Self {
        Self { key: KeyPair::generate().unwrap(), id: (0..24).collect(), aaguid: [0; 16] }
    }

    /// With an RSA key of 2048 bits.
    pub(crate) fn rsa() -> Self {
        Self { key: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), ..Self::new() }
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.key.sign(data).unwrap()
    }

    /// The modulus of an RSA key: after the headers of sequence and number and the number's sign (RFC 8017 §A.1.1).
    pub(crate) fn modulus(&self) -> &[u8] {
        &self.key.public_key_raw()[9..265]
    }

    fn draft(kind: &'static str, options: &Value) -> Draft {
        Draft {
            kind,
            challenge: options["challenge"].as_str().unwrap().to_owned(),
            origin: ORIGIN.to_owned(),
            more: r#","crossOrigin":false"#.to_owned(),
            rp_id: "id.example.test".to_owned(),
            flags: UP | UV,
            counter: 0,
            user_handle: None,
            extensions: json!({}),
        }
    }

    /// The public key in COSE (RFC 9052, RFC 8230).
    fn cose(&self) -> Vec<u8> {
        if self.key.algorithm() == &PKCS_RSA_SHA256 {
            let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20];
            return [&head, bytes(self.modulus()).as_slice(), &[0x21, 0x43, 0x01, 0x00, 0x01]].concat();
        }
        let point = self.key.public_key_raw();
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend(&point[33..65]);
        key
    }

    pub(crate) fn auth_data(&self, draft: &Draft) -> Vec<u8> {
        let mut data = sha256(draft.rp_id.as_bytes());
        data.push(draft.flags);
        data.extend(draft.counter.to_be_bytes());
        if draft.flags & AT != 0 {
            data.extend(self.aaguid);
            data.extend((self.id.len() as u16).to_be_bytes());
            data.extend(&self.id);
            data.extend(self.cose());
        }
        data
    }

    /// An answer to a registration, with no attestation.
    pub(crate) fn register(&self, options: &Value, change: impl FnOnce(&mut Draft)) -> Vec<u8> {
        self.register_with(options, change, |_| ("none", vec![0xa0]))
    }

    /// The same, with a statement made of authenticator data and the client data's hash.
    pub(crate) fn register_with(
        &self,
        options: &Value,
        change: impl FnOnce(&mut Draft),
        attest: impl FnOnce(&[u8]) -> (&'static str, Vec<u8>),
    ) -> Vec<u8> {
        let mut draft = Self::draft("webauthn.create", options);
        draft.flags |= AT;
        change(&mut draft);
        let client = draft.client_data();
        let data = self.auth_data(&draft);
        let (format, statement) = attest(&[data.clone(), sha256(&client)].concat());
        let mut object = vec![0xa3];
        object.extend(text("fmt"));
        object.extend(text(format));
        object.extend(text("attStmt"));
        object.extend(statement);
        object.extend(text("authData"));
        object.extend(bytes(&data));
        answer(
            &self.id,
            json!({
                "attestationObject": BASE64URL_NOPAD.encode(&object),
                "clientDataJSON": BASE64URL_NOPAD.encode(&client),
                "transports": ["usb", "nfc"],
            }),
            draft.extensions,
        )
    }

    /// An answer to a sign-in.
    pub(crate) fn assert(&self, options: &Value, change: impl FnOnce(&mut Draft)) -> Vec<u8> {
        let mut draft = Self::draft("webauthn.get", options);
        change(&mut draft);
        let client = draft.client_data();
        let data = self.auth_data(&draft);
        let signature = self.sign(&[data.clone(), sha256(&client)].concat());
        let mut response = json!({
            "authenticatorData": BASE64URL_NOPAD.encode(&data),
            "clientDataJSON": BASE64URL_NOPAD.encode(&client),
            "signature": BASE64URL_NOPAD.encode(&signature),
        });
        if let Some(handle) = draft.user_handle {
            response["userHandle"] = json!(BASE64URL_NOPAD.encode(&handle));
        }
        answer(&self.id, response, draft.extensions)
    }
}

impl Draft {
    fn client_data(&self) -> Vec<u8> {
        let Self { kind, challenge, origin, more, .. } = self;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#).into_bytes()
    }
}

fn answer(id: &[u8], response: Value, extensions: Value) -> Vec<u8> {
    let id = BASE64URL_NOPAD.encode(id);
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": extensions,
        "response": response,
    })
    .to_string()
    .into_bytes()
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// A CBOR text of at most 23 bytes.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&[0x60 | text.len() as u8], text.as_bytes()].concat()
}

/// A CBOR byte string.
pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&[0x59], (bytes.len() as u16).to_be_bytes().as_slice(), bytes].concat()
}

/// Registers at the relying party as a second factor.
pub(crate) fn registered(forge: &Forge, change: impl FnOnce(&mut Draft)) -> Result<RegisteredPasskey, WebauthnError> {
    let world = world();
    let (options, state) =
        rp().start_registration(&person(), RegistrationAsk::second_factor(Vec::new()), &*world.random)?;
    rp().finish_registration(state, &forge.register(&options, change), &AttestationPolicy::default(), None, NOW)
}

/// A passkey as its row has it.
pub(crate) fn kept(passkey: &RegisteredPasskey) -> PasskeyForSignIn {
    PasskeyForSignIn {
        credential_id: passkey.credential_id.clone(),
        credential: passkey.credential.clone(),
        transports: passkey.transports.clone(),
        counter: passkey.counter,
        user_handle: person().id,
    }
}

/// Signs in at the relying party with a passkey that is asked for.
pub(crate) fn signed_in(
    forge: &Forge,
    passkey: &PasskeyForSignIn,
    verification: Verification,
    change: impl FnOnce(&mut Draft),
) -> Result<VerifiedAssertion, WebauthnError> {
    let world = world();
    let (options, state) = rp().start_assertion(std::slice::from_ref(passkey), verification, &*world.random)?;
    rp().finish_assertion(state, &forge.assert(&options, change), passkey)
}
