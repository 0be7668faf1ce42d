//! Sign-in: level 3 §7.2.

use crate::{
    AssertionState, PasskeyForSignIn, RelyingParty, Verification, WebauthnError,
    client_data::{self, Ceremony},
    options,
    passkey::StoredCredential,
    quiet::quietly,
    relying_party::with_challenge,
    response::Assertion,
    state::FORM,
};
use serde_json::Value;
use types::Random;
use webauthn_rs_core::proto::{
    AuthenticationExtensionsClientOutputs, AuthenticatorAssertionResponseRaw, PublicKeyCredential,
};

/// A sign-in that was verified. The caller writes `counter` and `backed_up` to the passkey's row on the condition that the
/// stored counter is still lower (or both are 0): of two answers at once only one then counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedAssertion {
    /// The passkey that signed.
    pub credential_id: Vec<u8>,
    /// Its signature counter now; 0 for those that don't count.
    pub counter: u32,
    /// Whether it is synchronised to other devices now.
    pub backed_up: bool,
    /// Whether its user was verified.
    pub user_verified: bool,
    /// The handle by which the authenticator named the user; equal to the passkey's own when it is there.
    pub user_handle: Option<Vec<u8>>,
}

impl RelyingParty {
    /// Begins a sign-in: the options for the browser (`PublicKeyCredentialRequestOptionsJSON`), and the state to keep.
    ///
    /// `allow` are the passkeys that may answer; none of them: any discoverable one may, and says itself whose it is.
    ///
    /// # Errors
    /// [`WebauthnError::Configuration`] when the relying party can't be used.
    pub fn start_assertion(
        &self,
        allow: &[PasskeyForSignIn],
        verification: Verification,
        random: &dyn Random,
    ) -> Result<(Value, AssertionState), WebauthnError> {
        self.core()?;
        let challenge = Self::challenge(random);
        let allowed = allow.iter().map(|passkey| options::descriptor(&passkey.credential_id, &passkey.transports));
        let json = options::request(&self.id, allowed.collect(), verification, &challenge);
        let state = AssertionState {
            v: FORM,
            rp: self.id.clone(),
            challenge,
            verification,
            allow: allow.iter().map(|passkey| passkey.credential_id.clone()).collect(),
        };
        Ok((json, state))
    }

    /// Verifies a sign-in's answer.
    ///
    /// `state` is what the start gave, taken out of its row; `response` is `credential.toJSON()`; `passkey` is what the caller
    /// found by [`Self::identify`], in this tenant, not suspended.
    ///
    /// # Errors
    /// Any of [`WebauthnError`] but those of attestation. [`WebauthnError::CloneSuspected`] and
    /// [`WebauthnError::BackupEligibility`] come only after the signature was found right: they are the passkey's own doing,
    /// and worth suspending it for.
    pub fn finish_assertion(
        &self,
        state: AssertionState,
        response: &[u8],
        passkey: &PasskeyForSignIn,
    ) -> Result<VerifiedAssertion, WebauthnError> {
        let core = self.core()?;
        if state.rp != self.id {
            return Err(WebauthnError::State);
        }
        let answer = Assertion::read(response)?;
        if answer.id != passkey.credential_id || !(state.allow.is_empty() || state.allow.contains(&answer.id)) {
            return Err(WebauthnError::OtherPasskey);
        }
        match &answer.user_handle {
            Some(handle) if *handle == passkey.user_handle => {}
            // Step 6: who wasn't named before must be named by the authenticator.
            None if !state.allow.is_empty() => {}
            Some(_) | None => return Err(WebauthnError::OtherUser),
        }
        client_data::check(&answer.client_data, Ceremony::Get, &state.challenge, &self.origins)?;

        let stored = StoredCredential::from_bytes(&passkey.credential)?;
        let was_eligible = stored.backup_eligible;
        let flags = answer.authenticator_data.get(32).copied().ok_or(WebauthnError::Malformed("authenticatorData"))?;
        let is_eligible = flags & BACKUP_ELIGIBLE != 0;
        let credential = stored.into_core(answer.id.clone(), state.verification, is_eligible);

        let builder = core.new_challenge_authenticate_builder(Vec::new(), Some(state.verification.into()))?;
        let (_, core_state) = core.generate_challenge_authenticate(builder)?;
        let core_state = with_challenge(&core_state, &state.challenge)?;
        let rsp = PublicKeyCredential {
            id: String::new(),
            raw_id: answer.id,
            response: AuthenticatorAssertionResponseRaw {
                authenticator_data: answer.authenticator_data,
                client_data_json: answer.client_data,
                signature: answer.signature,
                user_handle: answer.user_handle,
            },
            extensions: AuthenticationExtensionsClientOutputs::default(),
            type_: "public-key".to_owned(),
        };
        let result = quietly(|| core.authenticate_single_credential(&rsp, &core_state, &credential))?;

        if is_eligible != was_eligible {
            return Err(WebauthnError::BackupEligibility);
        }
        let (stored, given) = (passkey.counter, result.counter());
        if (stored != 0 || given != 0) && given <= stored {
            return Err(WebauthnError::CloneSuspected { stored, given });
        }
        Ok(VerifiedAssertion {
            credential_id: rsp.raw_id,
            counter: given,
            backed_up: result.backup_state(),
            user_verified: result.user_verified(),
            user_handle: rsp.response.user_handle,
        })
    }
}

/// The flag BE (level 3 §6.1).
const BACKUP_ELIGIBLE: u8 = 0b1000;
