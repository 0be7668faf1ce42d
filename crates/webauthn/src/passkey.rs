//! A passkey as it is kept, and the name of its model.

use crate::{WebauthnError, options::Verification};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;
use webauthn_rs_core::proto::{
    AttestationFormat, COSEKey, Credential, ParsedAttestation, RegisteredExtensions, UserVerificationPolicy,
};

/// The model of an authenticator (level 3 §6.5.1.1): 16 bytes that its maker chose. Without a verified attestation it is
/// what the authenticator says of itself, and no more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Aaguid(pub [u8; 16]);

/// The text was no AAGUID.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an AAGUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)")]
pub struct InvalidAaguid;

impl Aaguid {
    /// All zero: the authenticator, or the browser for the user's privacy, names no model.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).hyphenated().fmt(f)
    }
}

impl FromStr for Aaguid {
    type Err = InvalidAaguid;

    fn from_str(text: &str) -> Result<Self, InvalidAaguid> {
        if text.len() != 36 {
            return Err(InvalidAaguid);
        }
        Uuid::try_parse(text).map(|uuid| Self(uuid.into_bytes())).map_err(|_| InvalidAaguid)
    }
}

/// A kept passkey, with what its row says now. Made by the caller for a sign-in.
#[derive(Clone, Debug)]
pub struct PasskeyForSignIn {
    /// As [`crate::RegisteredPasskey::credential_id`].
    pub credential_id: Vec<u8>,
    /// As [`crate::RegisteredPasskey::credential`].
    pub credential: Vec<u8>,
    /// As [`crate::RegisteredPasskey::transports`]: a comma list, a hint for the browser only.
    pub transports: String,
    /// The signature counter of the last sign-in.
    pub counter: u32,
    /// The owner's handle, as given at registration ([`crate::PersonHandle::id`]). An authenticator that names another is
    /// refused.
    pub user_handle: Vec<u8>,
}

/// What is kept of a passkey for good: its public key and what never changes. All of it is public.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCredential {
    /// The form of this record.
    v: u8,
    /// The public key, as the core writes it.
    key: COSEKey,
    /// Whether the user was verified when it was registered.
    pub(crate) user_verified: bool,
    /// Backup eligibility at registration, which never changes.
    pub(crate) backup_eligible: bool,
    /// SHA-256 of each certificate that attested to it, in base64url, so that a later report about one of them finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attested_by: Vec<String>,
}

const FORM: u8 = 1;

impl StoredCredential {
    pub(crate) fn new(credential: &Credential, chain: &[[u8; 32]]) -> Self {
        Self {
            v: FORM,
            key: credential.cred.clone(),
            user_verified: credential.user_verified,
            backup_eligible: credential.backup_eligible,
            attested_by: chain.iter().map(|digest| BASE64URL_NOPAD.encode(digest)).collect(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, WebauthnError> {
        serde_json::to_vec(self).map_err(|_| WebauthnError::StoredCredential)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let stored: Self = serde_json::from_slice(bytes).map_err(|_| WebauthnError::StoredCredential)?;
        if stored.v == FORM { Ok(stored) } else { Err(WebauthnError::StoredCredential) }
    }

    /// Whether this certificate attested to it.
    pub(crate) fn attested_by(&self, digest: &[u8; 32]) -> bool {
        let digest = BASE64URL_NOPAD.encode(digest);
        self.attested_by.contains(&digest)
    }

    /// The core's own form, for a sign-in that asks for `verification`. The counter and the backup eligibility are compared
    /// by us, after the signature was found right: so they are given here as they will be found.
    pub(crate) fn into_core(self, id: Vec<u8>, verification: Verification, backup_eligible: bool) -> Credential {
        Credential {
            cred_id: id,
            cred: self.key,
            counter: 0,
            transports: None,
            user_verified: self.user_verified,
            backup_eligible,
            backup_state: false,
            // The core also enforces what was asked at registration. Here the policy of the day decides, see `Verification`.
            registration_policy: UserVerificationPolicy::from(verification),
            extensions: RegisteredExtensions::none(),
            attestation: ParsedAttestation::default(),
            attestation_format: AttestationFormat::None,
        }
    }
}
