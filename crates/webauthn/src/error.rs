//! What can be wrong with a ceremony, and with the metadata.

use crate::{Aaguid, Status};
use webauthn_rs_core::error::WebauthnError as Core;

/// Why a ceremony was refused. The text never repeats what was sent; [`WebauthnError::code`] is for logs and counters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebauthnError {
    /// The relying party's own id, name or origins can't be used, or a person's handle or name is empty or too long.
    #[error("this relying party isn't set up: {0}")]
    Configuration(&'static str),
    /// The kept state can't be read, or belongs to another relying party.
    #[error("the ceremony's state isn't ours")]
    State,
    /// The kept credential can't be read.
    #[error("the stored passkey can't be read")]
    StoredCredential,
    /// More than [`crate::MAX_RESPONSE`] bytes.
    #[error("the answer is too large")]
    TooLarge,
    /// Not what a browser sends.
    #[error("the answer can't be read: {0}")]
    Malformed(&'static str),
    /// `type` in the client data is of the other ceremony.
    #[error("the answer is of another kind of ceremony")]
    WrongCeremony,
    /// The challenge is not this ceremony's: a replay, or another ceremony's answer.
    #[error("the answer is to another challenge")]
    Challenge,
    /// The page that asked stands at another origin. A proxy that phishes shows up here, by name.
    #[error("the answer was made for another origin")]
    Origin {
        /// The origin as the browser wrote it, at most 256 bytes; trusted by nobody (nothing has been verified yet).
        found: String,
    },
    /// The page that asked stood in a frame of another site (`crossOrigin` or `topOrigin`).
    #[error("the answer was made inside another site's page")]
    CrossOrigin,
    /// The authenticator signed for another relying-party id.
    #[error("the answer was made for another relying party")]
    RelyingPartyId,
    /// Nobody touched the authenticator.
    #[error("the authenticator didn't see anybody")]
    UserAbsent,
    /// User verification (PIN, finger, face) was called for and didn't happen.
    #[error("the authenticator didn't verify the user")]
    UserNotVerified,
    /// The credential isn't among those that were asked for, or isn't the one that was looked up.
    #[error("another passkey was asked for")]
    OtherPasskey,
    /// The authenticator says that the passkey is another person's, or doesn't say whose, where it must.
    #[error("the passkey is another user's")]
    OtherUser,
    /// One of the credentials to exclude was registered again.
    #[error("this passkey is registered already")]
    AlreadyRegistered,
    /// A discoverable credential was required, and the browser says that none was made.
    #[error("the authenticator can't keep the passkey")]
    NotDiscoverable,
    /// An algorithm that wasn't offered, or a key that isn't one.
    #[error("the passkey's key is of a kind that isn't taken")]
    Key,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The signature is right, and its counter is not above the stored one: there may be two copies of the key.
    #[error("the passkey's counter went back: there may be a copy of it")]
    CloneSuspected {
        /// The counter of the last sign-in.
        stored: u32,
        /// The counter of this one.
        given: u32,
    },
    /// The signature is right, and the passkey's backup eligibility is not what it was at registration (level 3 §6.1.3: it
    /// never changes).
    #[error("the passkey's backup eligibility changed")]
    BackupEligibility,
    /// Backed up, and not eligible for it.
    #[error("the passkey's backup flags contradict each other")]
    BackupState,
    /// The attestation statement is wrong: its signature, its certificate, or what it says.
    #[error("the attestation is wrong")]
    AttestationInvalid,
    /// Policy asks for verified attestation, and there is none, or none that leads to a root of the metadata.
    #[error("an attested authenticator is required")]
    AttestationRequired,
    /// The metadata knows this model, and the attestation doesn't lead to one of its roots.
    #[error("the attestation doesn't lead to the model's maker")]
    AttestationUntrusted,
    /// The model isn't on the list of those that are allowed.
    #[error("this model of authenticator isn't allowed")]
    ModelRefused(Aaguid),
    /// The metadata reports this model as revoked or compromised.
    #[error("this model of authenticator is reported as unsafe")]
    ModelUnsafe(Aaguid, Status),
    /// Policy asks for verified attestation, and there is no metadata, or it is past its next update.
    #[error("the metadata of authenticators is missing or overdue")]
    MetadataOverdue,
}

impl WebauthnError {
    /// A short name that stays the same, for logs and counters.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Configuration(_) => "configuration",
            Self::State => "state",
            Self::StoredCredential => "stored_credential",
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
            Self::WrongCeremony => "wrong_ceremony",
            Self::Challenge => "challenge",
            Self::Origin { .. } => "origin",
            Self::CrossOrigin => "cross_origin",
            Self::RelyingPartyId => "relying_party_id",
            Self::UserAbsent => "user_absent",
            Self::UserNotVerified => "user_not_verified",
            Self::OtherPasskey => "other_passkey",
            Self::OtherUser => "other_user",
            Self::AlreadyRegistered => "already_registered",
            Self::NotDiscoverable => "not_discoverable",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::CloneSuspected { .. } => "clone_suspected",
            Self::BackupEligibility => "backup_eligibility",
            Self::BackupState => "backup_state",
            Self::AttestationInvalid => "attestation_invalid",
            Self::AttestationRequired => "attestation_required",
            Self::AttestationUntrusted => "attestation_untrusted",
            Self::ModelRefused(_) => "model_refused",
            Self::ModelUnsafe(..) => "model_unsafe",
            Self::MetadataOverdue => "metadata_overdue",
        }
    }
}

/// The core's errors in our words. Its texts carry parsers' positions and are of no use to a caller; the kinds are.
impl From<Core> for WebauthnError {
    fn from(error: Core) -> Self {
        match error {
            Core::InvalidClientDataType => Self::WrongCeremony,
            Core::MismatchedChallenge => Self::Challenge,
            // Ours is compared before the core's; the text isn't at hand here.
            Core::InvalidRPOrigin => Self::Origin { found: String::new() },
            Core::CredentialCrossOrigin => Self::CrossOrigin,
            Core::InvalidRPIDHash => Self::RelyingPartyId,
            Core::UserNotPresent => Self::UserAbsent,
            Core::UserNotVerified => Self::UserNotVerified,
            Core::CredentialNotFound => Self::OtherPasskey,
            Core::AuthenticationFailure | Core::SignatureInvalid => Self::Signature,
            Core::CredentialBackupEligibilityInconsistent => Self::BackupEligibility,
            Core::CredentialMayNotBeHardwareBound => Self::BackupState,
            Core::CredentialAlteredAlgFromRequest
            | Core::CredentialInsecureCryptography
            | Core::COSEKeyInvalidCBORValue
            | Core::COSEKeyInvalidType
            | Core::COSEKeyEDUnsupported
            | Core::COSEKeyECDSAXYInvalid
            | Core::COSEKeyRSANEInvalid
            | Core::COSEKeyECDSAInvalidCurve
            | Core::COSEKeyEDDSAXInvalid
            | Core::COSEKeyEDDSAInvalidCurve
            | Core::COSEKeyInvalidAlgorithm
            | Core::SshPublicKeyEDUnsupported
            | Core::EcdsaPointInvalid
            | Core::RsaParametersInvalid => Self::Key,
            Core::ParseBase64Failure(_)
            | Core::ParseCBORFailure(_)
            | Core::ParseJSONFailure(_)
            | Core::ParseNOMFailure
            | Core::ParseInsufficientBytesAvailable
            | Core::MissingAttestationCredentialData => Self::Malformed("authenticator data"),
            _ => Self::AttestationInvalid,
        }
    }
}

/// Why a metadata blob was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Larger than 64 MiB.
    #[error("the metadata is too large")]
    TooLarge,
    /// No root was given, or it isn't a certificate in PEM.
    #[error("the metadata's root certificate can't be read")]
    Roots,
    /// Not a JWS with a chain of certificates.
    #[error("the metadata isn't a signed blob: {0}")]
    Malformed(&'static str),
    /// Signed by an algorithm other than RS256, RS384, RS512, ES256 and ES384.
    #[error("the metadata is signed by an algorithm that isn't taken")]
    Algorithm,
    /// The chain doesn't lead to a root at this time, or its certificate isn't the metadata service's.
    #[error("the metadata's signer isn't trusted: {0}")]
    Untrusted(#[source] webpki::Error),
    /// The signature is wrong.
    #[error("the metadata's signature is wrong")]
    Signature,
    /// The signed text isn't a metadata payload.
    #[error("the metadata's payload can't be read")]
    Payload(#[source] serde_json::Error),
}
