//! A relying party: one tenant's host.

use crate::{WebauthnError, options::TIMEOUT};
use serde::{Serialize, de::DeserializeOwned};
use types::Random;
use url::Url;
use webauthn_rs_core::WebauthnCore;

use crate::state::Challenge;

/// One tenant's host, as passkeys know it.
///
/// `id` is what passkeys are bound to: the host's name, without a port. `origins` are the pages that may ask: scheme, host
/// and port exactly as a browser writes them (no default port, no slash at the end), the host's own first, then the tenant's
/// related origins (level 3 §5.11): there the relying-party id stays and only the page's origin differs, provided that
/// `https://<id>/.well-known/webauthn` lists it, which is the browser's to check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelyingParty {
    /// The relying-party id: a host name.
    pub id: String,
    /// What the authenticator shows beside it.
    pub name: String,
    /// The origins that are taken, letter by letter.
    pub origins: Vec<String>,
}

impl RelyingParty {
    /// The core that verifies for this relying party.
    pub(crate) fn core(&self) -> Result<WebauthnCore, WebauthnError> {
        if self.id.is_empty() || self.id.len() > 253 {
            return Err(WebauthnError::Configuration("its id is no host name"));
        }
        if self.origins.is_empty() {
            return Err(WebauthnError::Configuration("it has no origin"));
        }
        let origins = self.origins.iter().map(|origin| Url::parse(origin)).collect::<Result<Vec<_>, _>>();
        let origins = origins.map_err(|_| WebauthnError::Configuration("one of its origins is no URL"))?;
        Ok(WebauthnCore::new_unsafe_experts_only(&self.name, &self.id, origins, TIMEOUT, Some(false), Some(false)))
    }

    /// 32 bytes of chance.
    pub(crate) fn challenge(random: &dyn Random) -> Challenge {
        let mut challenge = [0; 32];
        random.fill(&mut challenge);
        challenge
    }
}

/// The core makes its challenges of the system's chance and keeps them in states of its own. Its states can be written and
/// read, though: so ours goes in by that way. `challenge` is the member's name since the crate's first release that wrote
/// states; the tests with a foreign authenticator fail when it moves.
pub(crate) fn with_challenge<S: Serialize + DeserializeOwned>(
    state: &S,
    challenge: &Challenge,
) -> Result<S, WebauthnError> {
    let mut value = serde_json::to_value(state).map_err(|_| WebauthnError::State)?;
    let member = value.get_mut("challenge").ok_or(WebauthnError::State)?;
    *member = serde_json::Value::String(data_encoding::BASE64URL_NOPAD.encode(challenge));
    serde_json::from_value(value).map_err(|_| WebauthnError::State)
}
