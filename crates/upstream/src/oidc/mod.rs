//! This house as an OpenID Connect relying party: the code flow with PKCE (RFC 7636), `state`, `nonce` and `iss` (RFC 9207).
//!
//! What an id token says can be read from an [`Identity`] only, and one comes only from [`Upstream::finish`]. Which provider an answer
//! is from is known before it comes: each has its own [`Upstream`], and the caller its own redirect address for each, so a code never
//! goes to another's token endpoint (RFC 9700, 4.4). Algorithms are those of the registration, keys those of the discovered address;
//! what the token's header says chooses among them and nothing more.
//!
//! The caller keeps [`Started`] bound to one browser and uses it once.

mod discovery;
mod error;
mod exchange;
mod flow;
#[cfg(test)]
mod tests;

pub use discovery::Discovery;
pub use error::{Denied, OidcError};
pub use flow::{Ask, Expect, Identity, Started};

use std::sync::Arc;

use jose::{Algorithms, KeySet, SigningKey};
use types::SecretString;

use crate::{Fetch, Kept, check_address};

/// How we prove to the provider who we are.
pub enum Authentication {
    /// `client_secret_basic`.
    Basic(SecretString),
    /// `client_secret_post`.
    Post(SecretString),
    /// `private_key_jwt` (OpenID Connect Core, 9).
    PrivateKey(Box<SigningKey>),
    /// A public client.
    None,
}

/// What we are registered as at one provider.
pub struct Registration {
    /// The provider's issuer, letter by letter as in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// How we prove it.
    pub authentication: Authentication,
    /// Where browsers come back to; another address for each provider.
    pub redirect_uri: String,
    /// Scopes beside `openid`.
    pub scopes: Vec<String>,
    /// With which algorithms its id tokens may be signed.
    pub algorithms: Algorithms,
    /// Whether its userinfo endpoint is asked, too.
    pub userinfo: bool,
}

/// A provider, and what is known of it.
pub struct Upstream {
    registration: Registration,
    fetch: Arc<dyn Fetch>,
    discovery: Kept<Discovery>,
    keys: Kept<KeySet>,
}

impl Upstream {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`OidcError::Registration`] if an address isn't `https`, a name is empty, or HMAC is to count without a secret.
    pub fn new(registration: Registration, fetch: Arc<dyn Fetch>) -> Result<Self, OidcError> {
        let has_query =
            check_address(&registration.issuer).map_err(|_| OidcError::Registration("the issuer"))?.query().is_some();
        if has_query {
            return Err(OidcError::Registration("the issuer"));
        }
        check_address(&registration.redirect_uri).map_err(|_| OidcError::Registration("the redirect address"))?;
        if registration.client_id.is_empty() {
            return Err(OidcError::Registration("the client's name"));
        }
        // A key that both have signs nothing here: whoever can read our settings could say who anybody is.
        if registration.algorithms.and(Algorithms::ASYMMETRIC) != registration.algorithms {
            return Err(OidcError::Registration("algorithms with a public key"));
        }
        Ok(Self { registration, fetch, discovery: Kept::default(), keys: Kept::default() })
    }
}
