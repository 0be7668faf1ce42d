//! An authenticator in software: what a browser would hand on from the finger on the sensor (WebAuthn level 3 §6.3, §6.5).

use anyhow::Result;
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use types::World;
use webauthn::{AttestationPolicy, PersonHandle, RegistrationAsk, RelyingParty};

/// The user is there, and was verified.
const PRESENT_AND_VERIFIED: u8 = 0x05;
/// A new credential is in the data.
const NEW: u8 = 0x40;

/// One key for all passkeys: which is whose says the credential's id.
pub(crate) struct Passkey {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

/// A relying party by the name of its host.
pub(crate) fn relying_party(host: &str) -> RelyingParty {
    RelyingParty { id: host.to_owned(), name: "Bench".to_owned(), origins: vec![origin(host)] }
}

/// The origin of a host's pages.
pub(crate) fn origin(host: &str) -> String {
    format!("https://{host}")
}

impl Passkey {
    /// With this key.
    pub(crate) fn new(key: EcdsaKeyPair) -> Self {
        Self { key, random: SystemRandom::new() }
    }

    /// The public half, as a point.
    pub(crate) fn point(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// A signature over this.
    pub(crate) fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        Ok(self.key.sign(&self.random, data)?.as_ref().to_vec())
    }

    /// `AuthenticationResponseJSON` for a challenge.
    pub(crate) fn assertion(&self, credential_id: &[u8], host: &str, challenge: &str) -> Result<String> {
        let data = authenticator_data(host, PRESENT_AND_VERIFIED);
        let client = client_data("webauthn.get", challenge, host);
        let signed = [data.as_slice(), digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = self.sign(&signed)?;
        let (id, data, client, signature) =
            (text(credential_id), text(&data), text(client.as_bytes()), text(&signature));
        Ok(format!(
            r#"{{"id":"{id}","rawId":"{id}","type":"public-key","authenticatorAttachment":"platform","clientExtensionResults":{{}},"response":{{"authenticatorData":"{data}","clientDataJSON":"{client}","signature":"{signature}"}}}}"#
        ))
    }

    /// What a server keeps of a passkey with this key. It is registered as a browser would: the record holds neither an id nor a host.
    pub(crate) fn credential(&self) -> Result<Vec<u8>> {
        let (world, host, id) = (World::real(), "bench.test", [7; 16]);
        let party = relying_party(host);
        let person = PersonHandle { id: vec![1; 16], name: "bench".to_owned(), display_name: String::new() };
        let ask = RegistrationAsk::second_factor(Vec::new());
        let (options, state) = party.start_registration(&person, ask, world.random.as_ref())?;
        let challenge = options.get("challenge").and_then(serde_json::Value::as_str).unwrap_or_default();
        let mut data = authenticator_data(host, PRESENT_AND_VERIFIED | NEW);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(id);
        data.extend(self.cose());
        let client = client_data("webauthn.create", challenge, host);
        // {"fmt": "none", "attStmt": {}, "authData": …} in CBOR (RFC 8949).
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len())?);
        object.extend(&data);
        let (id, object, client) = (text(&id), text(&object), text(client.as_bytes()));
        let answer = format!(
            r#"{{"id":"{id}","rawId":"{id}","type":"public-key","authenticatorAttachment":"platform","clientExtensionResults":{{}},"response":{{"attestationObject":"{object}","clientDataJSON":"{client}","transports":["internal"]}}}}"#
        );
        let policy = AttestationPolicy::default();
        Ok(party.finish_registration(state, answer.as_bytes(), &policy, None, world.now())?.credential)
    }

    /// The public key in COSE: EC2, ES256, P-256 (RFC 9053 §2.1, §7.1.1).
    fn cose(&self) -> Vec<u8> {
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        // After the mark of an uncompressed point.
        let (x, y) = self.point().split_at_checked(33).unwrap_or_default();
        key.extend(x.iter().skip(1));
        key.extend([0x22, 0x58, 0x20]);
        key.extend(y);
        key
    }
}

fn authenticator_data(host: &str, flags: u8) -> Vec<u8> {
    let mut data = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
    data.push(flags);
    // A counter that doesn't count, as those of synchronised passkeys.
    data.extend([0; 4]);
    data
}

fn client_data(kind: &str, challenge: &str, host: &str) -> String {
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{}","crossOrigin":false}}"#, origin(host))
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
