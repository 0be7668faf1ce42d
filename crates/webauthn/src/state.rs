//! What the server keeps between the two halves of a ceremony. It goes into a sealed column, never to the browser.

use crate::{Verification, WebauthnError, options::ResidentKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A challenge: 32 bytes of chance (level 3 §13.4.3 asks for 16 at least).
pub(crate) type Challenge = [u8; 32];

/// A registration under way. Worth one finish: the caller takes it out of its row before using it.
#[derive(Serialize, Deserialize)]
pub struct RegistrationState {
    pub(crate) v: u8,
    /// The relying party that asked: another one's finish refuses it.
    pub(crate) rp: String,
    pub(crate) challenge: Challenge,
    pub(crate) verification: Verification,
    pub(crate) resident: ResidentKey,
    pub(crate) exclude: Vec<Vec<u8>>,
}

/// A sign-in under way. Worth one finish: the caller takes it out of its row before using it.
#[derive(Serialize, Deserialize)]
pub struct AssertionState {
    pub(crate) v: u8,
    /// The relying party that asked: another one's finish refuses it.
    pub(crate) rp: String,
    pub(crate) challenge: Challenge,
    pub(crate) verification: Verification,
    /// The credentials that were asked for; none: whichever is found, and its owner is who the authenticator says.
    pub(crate) allow: Vec<Vec<u8>>,
}

pub(crate) const FORM: u8 = 1;

impl RegistrationState {
    /// The bytes to keep.
    ///
    /// # Errors
    /// Never in practice: [`WebauthnError::State`] if it can't be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WebauthnError> {
        serde_json::to_vec(self).map_err(|_| WebauthnError::State)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`WebauthnError::State`] for anything else, a sign-in's state among it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let state: Self = read(bytes)?;
        if state.v == FORM { Ok(state) } else { Err(WebauthnError::State) }
    }
}

impl AssertionState {
    /// The bytes to keep.
    ///
    /// # Errors
    /// Never in practice: [`WebauthnError::State`] if it can't be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WebauthnError> {
        serde_json::to_vec(self).map_err(|_| WebauthnError::State)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`WebauthnError::State`] for anything else, a registration's state among it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let state: Self = read(bytes)?;
        if state.v == FORM { Ok(state) } else { Err(WebauthnError::State) }
    }

    /// Whether it asked for any discoverable credential, so that [`crate::RelyingParty::identify`] says who signs in.
    #[must_use]
    pub const fn is_discoverable(&self) -> bool {
        self.allow.is_empty()
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WebauthnError> {
    serde_json::from_slice(bytes).map_err(|_| WebauthnError::State)
}
