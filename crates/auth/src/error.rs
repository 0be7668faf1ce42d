//! Why the engine gives no answer. Doors turn every one of these into a denial or a clear refusal, never into a way in.

use store::StoreError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored value can't be understood.
    #[error("stored {0} is damaged")]
    Damaged(&'static str),
    /// A stored policy can't be understood.
    #[error(transparent)]
    Policy(#[from] crate::policy::InvalidPolicy),
    /// The request names a user who isn't there.
    #[error("no such user")]
    NoUser,
    /// The request names a device that the user doesn't have.
    #[error("no such device")]
    NoDevice,
    /// The device or policy doesn't have the factor.
    #[error("no capable device")]
    NotCapable,
    /// The text can't be a user name.
    #[error(transparent)]
    UserName(#[from] types::username::InvalidUserName),
    /// No such sign-in, or not this browser's, or it is over: start again.
    #[error("no such sign-in")]
    NoSignIn,
    /// The same signed request came before.
    #[error("the request was received before")]
    Replayed,
    /// Too many in too short a time.
    #[error("too many requests")]
    Limited {
        /// When to try again.
        retry_after: std::time::Duration,
    },
    /// A code, key or signature of an authenticator isn't right.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The tenant's directory can't be used, or gives no answer.
    #[error(transparent)]
    Directory(#[from] crate::user_directory::InvalidDirectory),
    /// A provider can't be used, or gives no answer.
    #[error(transparent)]
    Provider(#[from] crate::providers::InvalidProvider),
    /// The user has a passkey: adding something to sign in with takes a second administrator, or time.
    #[error(
        "this user has a passkey: ask for an addition first, and have another administrator allow it or wait for the delay to end"
    )]
    Guarded,
}

impl From<store::numbers::NumberError> for AuthError {
    fn from(error: store::numbers::NumberError) -> Self {
        use store::numbers::NumberError;
        match error {
            NumberError::TooMany { retry_after } => Self::Limited { retry_after },
            NumberError::Store(error) => Self::Store(error),
            _ => Self::NotCapable,
        }
    }
}
