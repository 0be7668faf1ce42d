//! What a ceremony asks for, and the JSON that a page hands to the browser (level 3 §5.1.9, §5.1.10).

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use webauthn_rs_core::proto::{COSEAlgorithm, UserVerificationPolicy};

/// Whether the authenticator must verify its user (PIN, finger, face), not only see somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// Refused unless the signed flags say that it happened. For sign-in by passkey alone.
    Required,
    /// Asked for. A passkey whose user was verified at registration must be verified at sign-in too: otherwise whoever holds
    /// the page could ask the authenticator for less than was agreed.
    Preferred,
    /// Not asked for, and not looked at. For a second factor behind a password.
    Discouraged,
}

impl Verification {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

impl From<Verification> for UserVerificationPolicy {
    fn from(verification: Verification) -> Self {
        match verification {
            Verification::Required => Self::Required,
            Verification::Preferred => Self::Preferred,
            Verification::Discouraged => Self::Discouraged_DO_NOT_USE,
        }
    }
}

/// Whether the authenticator must keep the credential itself, so that it can be found without a user name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidentKey {
    /// Refused when the browser says that none was made. (It says so unsigned, and some say nothing: then it is taken.)
    Required,
    /// Where there is room.
    Preferred,
    /// Better not.
    Discouraged,
}

impl ResidentKey {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Which kind of authenticator the browser should offer. A hint: nothing signed says which it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attachment {
    /// Part of the device.
    Platform,
    /// A key to plug in or hold to it, or another device.
    CrossPlatform,
}

/// Whether the authenticator should prove its make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttestationAsk {
    /// No: browsers then blank it out.
    None,
    /// Yes, as the authenticator gives it. Browsers ask the user for leave.
    Direct,
}

/// Whose passkey it will be.
#[derive(Clone, Debug)]
pub struct PersonHandle {
    /// The user handle: 1 to 64 bytes that say nothing about the person (the 16 bytes of the user's id).
    pub id: Vec<u8>,
    /// The user name, as the authenticator will list it. 1 to 255 bytes.
    pub name: String,
    /// The person's name; the user name when there is none.
    pub display_name: String,
}

/// What a registration asks for.
#[derive(Clone, Debug)]
pub struct RegistrationAsk {
    /// User verification. The state keeps it; the finish enforces it.
    pub verification: Verification,
    /// Discoverable or not.
    pub resident: ResidentKey,
    /// The kind of authenticator, when only one will do.
    pub attachment: Option<Attachment>,
    /// Proof of make.
    pub attestation: AttestationAsk,
    /// Credential ids that the user has already. The browser refuses them, and so does the finish.
    pub exclude: Vec<Vec<u8>>,
    /// How long the browser waits for the user (a hint to it; the state's own life is the caller's).
    pub timeout: Duration,
}

impl RegistrationAsk {
    /// A passkey that signs in alone: discoverable, its user verified.
    #[must_use]
    pub const fn only_factor(exclude: Vec<Vec<u8>>) -> Self {
        Self {
            verification: Verification::Required,
            resident: ResidentKey::Required,
            attachment: None,
            attestation: AttestationAsk::None,
            exclude,
            timeout: TIMEOUT,
        }
    }

    /// A passkey or security key beside a password: whatever the user has.
    #[must_use]
    pub const fn second_factor(exclude: Vec<Vec<u8>>) -> Self {
        Self {
            verification: Verification::Preferred,
            resident: ResidentKey::Preferred,
            attachment: None,
            attestation: AttestationAsk::None,
            exclude,
            timeout: TIMEOUT,
        }
    }
}

/// Level 3 §15.1 recommends five minutes, for people who need longer.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(5);

/// What the core can verify, best first: ES256, ES384, RS256 (Windows Hello on older machines).
pub(crate) fn algorithms() -> Vec<COSEAlgorithm> {
    vec![COSEAlgorithm::ES256, COSEAlgorithm::ES384, COSEAlgorithm::RS256]
}

/// A credential in a list of the options, with its transports when they are known.
pub(crate) fn descriptor(id: &[u8], transports: &str) -> Value {
    let mut descriptor = json!({ "type": "public-key", "id": BASE64URL_NOPAD.encode(id) });
    let transports: Vec<&str> = transports.split(',').filter(|transport| !transport.is_empty()).collect();
    if !transports.is_empty()
        && let Some(map) = descriptor.as_object_mut()
    {
        map.insert("transports".to_owned(), json!(transports));
    }
    descriptor
}

/// `PublicKeyCredentialCreationOptionsJSON`.
pub(crate) fn creation(rp: (&str, &str), person: &PersonHandle, ask: &RegistrationAsk, challenge: &[u8]) -> Value {
    let (id, name) = rp;
    let display_name = if person.display_name.is_empty() { &person.name } else { &person.display_name };
    let mut selection = json!({
        "residentKey": ask.resident.as_str(),
        // Level 1's word for the same, which older browsers read.
        "requireResidentKey": ask.resident == ResidentKey::Required,
        "userVerification": ask.verification.as_str(),
    });
    if let (Some(attachment), Some(selection)) = (ask.attachment, selection.as_object_mut()) {
        let attachment = match attachment {
            Attachment::Platform => "platform",
            Attachment::CrossPlatform => "cross-platform",
        };
        selection.insert("authenticatorAttachment".to_owned(), json!(attachment));
    }
    json!({
        "rp": { "id": id, "name": name },
        "user": { "id": BASE64URL_NOPAD.encode(&person.id), "name": person.name, "displayName": display_name },
        "challenge": BASE64URL_NOPAD.encode(challenge),
        "pubKeyCredParams": algorithms()
            .iter()
            .map(|algorithm| json!({ "type": "public-key", "alg": *algorithm as i32 }))
            .collect::<Vec<_>>(),
        "timeout": millis(ask.timeout),
        "excludeCredentials": ask.exclude.iter().map(|id| descriptor(id, "")).collect::<Vec<_>>(),
        "authenticatorSelection": selection,
        "attestation": match ask.attestation {
            AttestationAsk::None => "none",
            AttestationAsk::Direct => "direct",
        },
        // Whether a discoverable credential came of it (level 3 §10.1.3).
        "extensions": { "credProps": true },
    })
}

/// `PublicKeyCredentialRequestOptionsJSON`. An empty list asks for a discoverable credential.
pub(crate) fn request(rp_id: &str, allow: Vec<Value>, verification: Verification, challenge: &[u8]) -> Value {
    json!({
        "challenge": BASE64URL_NOPAD.encode(challenge),
        "rpId": rp_id,
        "allowCredentials": allow,
        "userVerification": verification.as_str(),
        "timeout": millis(TIMEOUT),
    })
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
