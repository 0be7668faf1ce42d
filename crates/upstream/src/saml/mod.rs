//! This house as a SAML 2.0 service provider (saml-profiles-2.0-os, 4.1): requests by Redirect or POST, responses by POST.
//!
//! What an assertion says can be read from an [`Identity`] only, and one comes only from [`Service::receive`]: the response or its
//! assertion was signed by a key of the provider's metadata, and issuer, destination, recipient, audience, times and the request that
//! it answers were all checked. The caller gives the id of the request that this browser made (used once), and remembers the
//! assertion's id until it expires (`UNIQUE` in the store): a second time is a replay.

mod error;
mod metadata;
mod request;
mod response;
mod source;
#[cfg(test)]
mod tests;
mod times;

pub use error::{SamlError, Status};
pub use metadata::{Binding, Endpoint, Provider};
pub use request::{Ask, Send, Started};
pub use response::{Expect, Identity, NameId};
pub use source::Source;

use xmlsig::{DecryptionKey, SigningKey};

/// Who we are to one provider.
pub struct Service {
    /// Our entity id.
    pub entity_id: String,
    /// Where responses are posted to: exactly this address is their destination and recipient.
    pub acs: String,
    /// What requests are signed with, if they are.
    pub signing: Option<SigningKey>,
    /// What opens encrypted assertions; the first's certificate is to stand in our metadata.
    pub decryption: Vec<DecryptionKey>,
    /// The certificate (DER) that providers encrypt to, for our metadata.
    pub encryption_certificate: Option<Vec<u8>>,
}

/// A provider may say who somebody is without having been asked, or may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers<'a> {
    /// The request with this id, which this browser made and nobody has used.
    Request(&'a str),
    /// None: the provider begins (saml-profiles-2.0-os, 4.1.5). Whoever can send a browser somewhere can begin so, too (login CSRF):
    /// for providers for which it was switched on.
    Unasked,
}
