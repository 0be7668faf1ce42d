//! Passkey ceremonies (WebAuthn level 3) and authenticator metadata (FIDO MDS3): what was verified, as types.
//!
//! A ceremony has two halves. [`RelyingParty::start_registration`] and [`RelyingParty::start_assertion`] give the JSON that a
//! page hands to `navigator.credentials` (`parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`), and a state that the
//! server keeps. [`RelyingParty::finish_registration`] and [`RelyingParty::finish_assertion`] take that state and what the
//! browser sent back (`credential.toJSON()`), and give a [`RegisteredPasskey`] or a [`VerifiedAssertion`]: the only ways to
//! have one. What nobody has verified yet is called so: [`Identified`].
//!
//! Signatures, most attestation statements and the parsing of authenticator data are `webauthn-rs-core`'s. Around it stand
//! the things that it leaves to its caller or sees otherwise: the challenge comes from [`types::Random`]; the origin is
//! compared to a list, letter by letter; a frame in somebody else's page is refused at sign-in too; a counter that went back
//! and a backup eligibility that changed are told only when the signature was right; a TPM's statement is verified here, and
//! one that nobody can verify counts as none; chains end at the roots of the metadata, at a time that the caller names.
//!
//! What this crate never does: read a file, a socket, the clock or the system's chance; keep anything; decide whose passkey
//! it was (the caller looks that up by [`RelyingParty::identify`] and says so in [`PasskeyForSignIn`]); or make a ceremony
//! single-use: the caller takes the state out of its row before it calls `finish_…`.
//!
//! To add a demand on new passkeys: a field of [`AttestationPolicy`], its check in `attestation.rs`, an error that says what
//! failed. To add a field that a browser sends: `response.rs`, where everything from outside is read and bounded.

mod assertion;
mod attestation;
mod client_data;
mod error;
mod metadata;
mod names;
mod options;
mod passkey;
mod quiet;
mod registration;
mod relying_party;
mod response;
mod state;

pub use assertion::VerifiedAssertion;
pub use attestation::{Attestation, AttestationPolicy};
pub use error::{MetadataError, WebauthnError};
pub use metadata::{Metadata, MetadataRoots, Status, Suspension};
pub use names::provider_name;
pub use options::{Attachment, AttestationAsk, PersonHandle, RegistrationAsk, ResidentKey, Verification};
pub use passkey::{Aaguid, InvalidAaguid, PasskeyForSignIn};
pub use registration::RegisteredPasskey;
pub use relying_party::RelyingParty;
pub use response::{Identified, MAX_RESPONSE};
pub use state::{AssertionState, RegistrationState};
