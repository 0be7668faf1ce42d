//! Why a token, a key or a proof is refused.

/// Why a token, a key or a proof is refused. Texts never repeat what was given.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum JoseError {
    /// Longer, deeper or more than is looked at.
    #[error("larger than the limit: {0}")]
    TooLarge(&'static str),
    /// Not what it should be: base64url, JSON, three parts, a member of the wrong type.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A header member that asks for what isn't done: `crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`, `enc`.
    #[error("a header that isn't accepted: {0}")]
    Header(&'static str),
    /// An algorithm that the caller doesn't accept, that the key isn't for, or that isn't known: `none` among them.
    #[error("the algorithm is not accepted")]
    Algorithm,
    /// None of the keys is the one that the token names or could have been signed with.
    #[error("no key fits")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// A claim is missing, or has another value than it must have.
    #[error("the claim {0} is missing or isn't the expected one")]
    Claim(&'static str),
    /// After `exp`, longer valid than is accepted, or too old.
    #[error("expired")]
    Expired,
    /// Before `nbf`, or `iat` lies ahead.
    #[error("not valid yet")]
    Early,
    /// A private or symmetric key stands where a public one should.
    #[error("a private key stands where a public one should")]
    PrivateKey,
    /// The key is too short, or of a kind that isn't accepted.
    #[error("the key is not accepted: {0}")]
    Key(&'static str),
    /// The library refused to sign or to make a key.
    #[error("the signature could not be made")]
    Signing,
}
