//! Why a provider's word wasn't taken.

use outbound::FetchError;
use xmlsig::{EncryptionError, SignError, SignatureError, XmlError};

/// Why a provider's word wasn't taken. None of the texts repeats what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamlError {
    /// The document isn't what it should be.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A signature doesn't count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The assertion can't be decrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// A request couldn't be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Metadata couldn't be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Metadata couldn't be fetched a moment ago, and is asked for again in a minute.
    #[error("the provider's metadata could not be fetched a moment ago")]
    Paused,
    /// Another message, or another version of SAML.
    #[error("not a SAML 2.0 message of the expected kind")]
    Message,
    /// The provider said that it didn't work.
    #[error("the provider refused: {0}")]
    Refused(Status),
    /// Not exactly one assertion in the whole message.
    #[error("the message has not exactly one assertion")]
    Assertions,
    /// Another party issued it.
    #[error("another party issued it")]
    Issuer,
    /// The response was meant for another address.
    #[error("the response was sent to another address")]
    Destination,
    /// The subject's confirmation is missing, of another kind, or for another address.
    #[error("the assertion is to be presented at another address")]
    Recipient,
    /// It is for another service provider.
    #[error("the assertion is for another service provider")]
    Audience,
    /// It answers another request, or none though one was made, or one though none was.
    #[error("the response answers another request")]
    InResponseTo,
    /// Not valid yet.
    #[error("the assertion is not valid yet")]
    Early,
    /// Not valid any more.
    #[error("the assertion is not valid any more")]
    Expired,
    /// The sign-in at the provider is older than what was asked for.
    #[error("the sign-in at the provider is too old")]
    Stale,
    /// The provider signed the person in by other means than what was asked for.
    #[error("the sign-in at the provider was weaker than what was asked for")]
    Context,
    /// A part that must be there is missing; its name.
    #[error("{0} is missing or wrong")]
    Part(&'static str),
    /// The metadata describes no identity provider that can be used; what was missing.
    #[error("the metadata can't be used: {0}")]
    Metadata(&'static str),
}

/// What a provider's status means (saml-core-2.0-os, 3.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Nobody is signed in there, and nobody was to be asked.
    NoPassive,
    /// The person didn't prove who they are.
    AuthnFailed,
    /// The asked means of authentication aren't there.
    NoAuthnContext,
    /// The provider won't.
    RequestDenied,
    /// Anything else.
    Other,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoPassive => "nobody is signed in there",
            Self::AuthnFailed => "the sign-in failed",
            Self::NoAuthnContext => "the asked kind of sign-in is not possible",
            Self::RequestDenied => "the request was denied",
            Self::Other => "no success",
        })
    }
}
