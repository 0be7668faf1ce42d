//! Why nothing is granted.

use crate::SsoError;

/// Why nothing is granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The code or the token is unknown, used, too old, ended or somebody else's, or its person may not sign in: `invalid_grant`. All of these look
    /// the same to who presents it.
    #[error("the grant is refused: {0}")]
    Refused(&'static str),
    /// More than was granted is wanted: `invalid_scope`.
    #[error("a scope that was not granted")]
    Scope,
    /// A resource that was not granted: `invalid_target` (RFC 8707).
    #[error("a resource that was not granted")]
    Target,
    /// The key isn't the one to which the grant is bound: `invalid_dpop_proof`, or `invalid_grant` for a certificate.
    #[error("another key than the one to which the grant is bound")]
    Binding,
    /// What went wrong here.
    #[error(transparent)]
    Ours(#[from] SsoError),
}

impl From<auth::AuthError> for GrantError {
    fn from(error: auth::AuthError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<store::StoreError> for GrantError {
    fn from(error: store::StoreError) -> Self {
        Self::Ours(error.into())
    }
}
