//! What a new passkey proves of its make, and what policy asks for.

mod tpm;

use crate::{Aaguid, Metadata, WebauthnError, metadata::digest};
use serde::Deserialize;
use serde_cbor_2::Value;
use std::{collections::BTreeMap, fmt};
use types::Millis;
use webauthn_rs_core::proto::{Credential, SerialisableAttestationData};

/// What a passkey's make was proven by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attestation {
    /// By nothing: no statement, one that can't be checked, or one that leads to no root in the metadata.
    None,
    /// The passkey signed for itself: it is whole, and its make unproven.
    Itself,
    /// By a chain of certificates to a root that the metadata gives for its model.
    Verified,
}

impl Attestation {
    /// `none`, `self` or `verified`, as rows and APIs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Itself => "self",
            Self::Verified => "verified",
        }
    }
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a tenant asks of new passkeys.
#[derive(Clone, Debug, Default)]
pub struct AttestationPolicy {
    /// The models that are allowed; `None` for all. Without `require_verified` this holds off mistakes, not liars: a model
    /// is then what the authenticator says of itself.
    pub allow_aaguids: Option<Vec<Aaguid>>,
    /// Only passkeys whose make is proven. Synchronised passkeys prove none.
    pub require_verified: bool,
    /// Refuse the models that the metadata reports as revoked or compromised.
    pub refuse_compromised: bool,
}

/// An attestation object's outer map (level 3 §6.5.4).
#[derive(Deserialize)]
pub(crate) struct Statement {
    fmt: Value,
    #[serde(rename = "attStmt")]
    statement: Value,
    #[serde(rename = "authData")]
    auth_data: Value,
}

/// The formats whose statements the core verifies. Not among them: `tpm`, for which release 0.6.2 takes no hash, so that every
/// one of them fails (they are verified by `tpm.rs`); `android-key`, of which it doesn't know keys in a StrongBox;
/// `android-safetynet`, which its maker has withdrawn.
const VERIFIABLE: [&str; 4] = ["none", "packed", "fido-u2f", "apple"];

/// What a statement proves, its own signature having been found right.
pub(crate) enum Proof {
    Nothing,
    Itself,
    /// A chain of certificates, leaf first, which leads to nobody knows whom yet.
    Chain(Vec<Vec<u8>>),
}

impl Statement {
    pub(crate) fn read(object: &[u8]) -> Result<Self, WebauthnError> {
        serde_cbor_2::from_slice(object).map_err(|_| WebauthnError::Malformed("attestationObject"))
    }

    /// The object as the core is given it: as it came, or, when its statement is of a kind that the core can't verify, with
    /// none in its place.
    pub(crate) fn for_core(&self, object: &[u8]) -> Result<Vec<u8>, WebauthnError> {
        let Value::Text(format) = &self.fmt else { return Err(WebauthnError::Malformed("fmt")) };
        if VERIFIABLE.contains(&format.as_str()) {
            return Ok(object.to_vec());
        }
        let member = |name: &str| Value::Text(name.to_owned());
        let bare = BTreeMap::from([
            (member("fmt"), member("none")),
            (member("attStmt"), Value::Map(BTreeMap::new())),
            (member("authData"), self.auth_data.clone()),
        ]);
        serde_cbor_2::to_vec(&Value::Map(bare)).map_err(|_| WebauthnError::Malformed("attestationObject"))
    }

    /// What the statement proves. `credential` is the core's verdict; a kind that nobody verifies proves nothing (level 3 §7.1
    /// step 22: the relying party chooses which kinds it knows).
    pub(crate) fn proof(&self, credential: &Credential, client_data: &[u8]) -> Result<Proof, WebauthnError> {
        if self.fmt == Value::Text("tpm".to_owned()) {
            let Aaguid(aaguid) = self.aaguid()?;
            let subject = tpm::Subject { auth_data: self.auth_data()?, client_data, key: &credential.cred, aaguid };
            return Ok(tpm::verify(&self.statement, &subject)?.map_or(Proof::Nothing, Proof::Chain));
        }
        Ok(match credential.attestation.data.clone().into() {
            SerialisableAttestationData::Self_ => Proof::Itself,
            SerialisableAttestationData::Basic(chain)
            | SerialisableAttestationData::AttCa(chain)
            | SerialisableAttestationData::AnonCa(chain) => Proof::Chain(chain),
            SerialisableAttestationData::None
            | SerialisableAttestationData::ECDAA
            | SerialisableAttestationData::Uncertain => Proof::Nothing,
        })
    }

    /// The model, as the authenticator data names it: the 16 bytes after hash, flags and counter (§6.1, §6.5.1).
    pub(crate) fn aaguid(&self) -> Result<Aaguid, WebauthnError> {
        let aaguid = self.auth_data()?.get(37..53).and_then(|bytes| bytes.try_into().ok());
        aaguid.map(Aaguid).ok_or(WebauthnError::Malformed("authData"))
    }

    fn auth_data(&self) -> Result<&[u8], WebauthnError> {
        match &self.auth_data {
            Value::Bytes(data) => Ok(data),
            _ => Err(WebauthnError::Malformed("authData")),
        }
    }
}

/// A statement that was judged.
pub(crate) struct Judged {
    pub(crate) attestation: Attestation,
    /// SHA-256 of each certificate of a verified chain.
    pub(crate) chain: Vec<[u8; 32]>,
}

/// Level 3 §7.1 steps 23 and 24, and the tenant's policy. The statement's own signature was verified before.
pub(crate) fn judge(
    aaguid: Aaguid,
    proof: Proof,
    policy: &AttestationPolicy,
    metadata: Option<&Metadata>,
    now: Millis,
) -> Result<Judged, WebauthnError> {
    if policy.require_verified && metadata.is_none_or(|metadata| metadata.is_overdue(now)) {
        return Err(WebauthnError::MetadataOverdue);
    }
    let judged = trace(aaguid, proof, metadata, now)?;
    if policy.allow_aaguids.as_ref().is_some_and(|allowed| !allowed.contains(&aaguid)) {
        return Err(WebauthnError::ModelRefused(aaguid));
    }
    if policy.refuse_compromised
        && let Some(suspension) = metadata.and_then(|metadata| metadata.suspension(aaguid, &judged.chain, now))
    {
        return Err(WebauthnError::ModelUnsafe(aaguid, suspension.status));
    }
    if policy.require_verified && judged.attestation != Attestation::Verified {
        return Err(WebauthnError::AttestationRequired);
    }
    Ok(judged)
}

/// Follows a chain to a root of the model.
fn trace(aaguid: Aaguid, proof: Proof, metadata: Option<&Metadata>, now: Millis) -> Result<Judged, WebauthnError> {
    let unproven = |attestation| Ok(Judged { attestation, chain: Vec::new() });
    let chain = match proof {
        Proof::Nothing => return unproven(Attestation::None),
        Proof::Itself => return unproven(Attestation::Itself),
        Proof::Chain(chain) => chain,
    };
    match metadata.and_then(|metadata| metadata.vouch(aaguid, &chain, now)) {
        None => unproven(Attestation::None),
        Some(false) => Err(WebauthnError::AttestationUntrusted),
        Some(true) => {
            Ok(Judged { attestation: Attestation::Verified, chain: chain.iter().map(|der| digest(der)).collect() })
        }
    }
}
