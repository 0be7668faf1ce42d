//! Registration: level 3 §7.1.

use crate::{
    Aaguid, Attestation, AttestationPolicy, Metadata, PersonHandle, RegistrationAsk, RegistrationState, RelyingParty,
    ResidentKey, WebauthnError,
    attestation::{self, Statement},
    client_data::{self, Ceremony},
    options,
    passkey::StoredCredential,
    quiet::quietly,
    relying_party::with_challenge,
    response::{MAX_USER_HANDLE, Registration},
    state::FORM,
};
use serde_json::Value;
use types::{Millis, Random};
use webauthn_rs_core::proto::{AuthenticatorAttestationResponseRaw, RegisterPublicKeyCredential};

/// A passkey whose registration was verified. The caller keeps it, under a unique key over `credential_id`.
#[derive(Clone, Debug)]
pub struct RegisteredPasskey {
    /// The credential's id, 1 to 1023 bytes.
    pub credential_id: Vec<u8>,
    /// What is needed to verify its sign-ins; public. For [`crate::PasskeyForSignIn::credential`].
    pub credential: Vec<u8>,
    /// The model. Proven only when `attestation` is [`Attestation::Verified`].
    pub aaguid: Aaguid,
    /// What people call that model or provider: a name to propose for the passkey.
    pub name_by_aaguid: Option<String>,
    /// How browsers reach it: a comma list (`usb,nfc`), a hint.
    pub transports: String,
    /// The signature counter; 0 for those that don't count.
    pub counter: u32,
    /// Whether it can be synchronised to other devices. Never changes.
    pub backup_eligible: bool,
    /// Whether it is synchronised now.
    pub backed_up: bool,
    /// Whether its user was verified.
    pub user_verified: bool,
    /// Whether it is discoverable, by the browser's word.
    pub discoverable: Option<bool>,
    /// What its make was proven by.
    pub attestation: Attestation,
}

impl RelyingParty {
    /// Begins a registration: the options for the browser (`PublicKeyCredentialCreationOptionsJSON`), and the state to keep.
    ///
    /// # Errors
    /// [`WebauthnError::Configuration`] when the relying party or the person can't be used.
    pub fn start_registration(
        &self,
        person: &PersonHandle,
        ask: RegistrationAsk,
        random: &dyn Random,
    ) -> Result<(Value, RegistrationState), WebauthnError> {
        self.core()?;
        if person.id.is_empty() || person.id.len() > MAX_USER_HANDLE {
            return Err(WebauthnError::Configuration("a user handle has 1 to 64 bytes"));
        }
        if person.name.is_empty() || person.name.len() > 255 {
            return Err(WebauthnError::Configuration("a user name has 1 to 255 bytes"));
        }
        let challenge = Self::challenge(random);
        let json = options::creation((&self.id, &self.name), person, &ask, &challenge);
        let state = RegistrationState {
            v: FORM,
            rp: self.id.clone(),
            challenge,
            verification: ask.verification,
            resident: ask.resident,
            exclude: ask.exclude,
        };
        Ok((json, state))
    }

    /// Verifies a registration's answer.
    ///
    /// `state` is what the start gave, taken out of its row; `response` is `credential.toJSON()`; `metadata` is needed to
    /// prove a make, and to refuse models that are reported as unsafe.
    ///
    /// # Errors
    /// Any of [`WebauthnError`] but those of a sign-in's own. Nothing is registered then.
    pub fn finish_registration(
        &self,
        state: RegistrationState,
        response: &[u8],
        policy: &AttestationPolicy,
        metadata: Option<&Metadata>,
        now: Millis,
    ) -> Result<RegisteredPasskey, WebauthnError> {
        let core = self.core()?;
        if state.rp != self.id {
            return Err(WebauthnError::State);
        }
        let answer = Registration::read(response)?;
        client_data::check(&answer.client_data, Ceremony::Create, &state.challenge, &self.origins)?;
        let statement = Statement::read(&answer.attestation_object)?;

        let builder = core.new_challenge_register_builder(b"-", "-", "-")?;
        let builder =
            builder.user_verification_policy(state.verification.into()).credential_algorithms(options::algorithms());
        let (_, core_state) = core.generate_challenge_register(builder)?;
        let core_state = with_challenge(&core_state, &state.challenge)?;
        let reg = RegisterPublicKeyCredential {
            id: String::new(),
            raw_id: answer.id.clone(),
            response: AuthenticatorAttestationResponseRaw {
                attestation_object: statement.for_core(&answer.attestation_object)?,
                client_data_json: answer.client_data,
                transports: None,
            },
            type_: "public-key".to_owned(),
            extensions: Default::default(),
        };
        // No list of authorities: the core would read the machine's clock. The chain is judged below.
        let credential = quietly(|| core.register_credential(&reg, &core_state, None))?;

        if credential.cred_id != answer.id {
            return Err(WebauthnError::Malformed("rawId"));
        }
        if state.exclude.contains(&credential.cred_id) {
            return Err(WebauthnError::AlreadyRegistered);
        }
        if state.resident == ResidentKey::Required && answer.discoverable == Some(false) {
            return Err(WebauthnError::NotDiscoverable);
        }
        let aaguid = statement.aaguid()?;
        let proof = statement.proof(&credential, &reg.response.client_data_json)?;
        let judged = attestation::judge(aaguid, proof, policy, metadata, now)?;
        Ok(RegisteredPasskey {
            credential: StoredCredential::new(&credential, &judged.chain).to_bytes()?,
            aaguid,
            name_by_aaguid: metadata
                .and_then(|metadata| metadata.name(aaguid))
                .or_else(|| crate::provider_name(aaguid))
                .map(str::to_owned),
            transports: answer.transports,
            counter: credential.counter,
            backup_eligible: credential.backup_eligible,
            backed_up: credential.backup_state,
            user_verified: credential.user_verified,
            discoverable: answer.discoverable,
            attestation: judged.attestation,
            credential_id: credential.cred_id,
        })
    }
}
