//! Why a change was refused.

use store::StoreError;

/// Why a change was refused. Nothing was changed then, and no text repeats what was given.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// What was given can't be used; the text names it, as Duo's Admin API does.
    #[error("invalid: {0}")]
    Invalid(&'static str),
    /// The same, where the reason is longer than a name: a policy or a set of settings.
    #[error("invalid: {0}")]
    Refused(String),
    /// There is no such thing, or it is another tenant's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Something else has this name or key already; the text names what.
    #[error("{0} already exists")]
    Duplicate(&'static str),
    /// Somebody else has changed it in the same moment; the text names what.
    #[error("{0} was changed meanwhile")]
    Changed(&'static str),
    /// The user has a passkey: adding something to sign in with takes a second administrator, or time.
    #[error(
        "this user has a passkey: ask for an addition first, and have another administrator allow it or wait for the delay to end"
    )]
    Guarded,
    /// More numbers were asked for than one may see in so short a time.
    #[error("too many numbers were asked for")]
    TooManyNumbers {
        /// When to ask again.
        retry_after: std::time::Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<store::numbers::NumberError> for DirectoryError {
    fn from(error: store::numbers::NumberError) -> Self {
        use store::numbers::NumberError;
        match error {
            NumberError::TooMany { retry_after } => Self::TooManyNumbers { retry_after },
            NumberError::Store(error) => Self::Store(error),
            _ => Self::NotFound("number"),
        }
    }
}

impl From<keys::KeyError> for DirectoryError {
    fn from(error: keys::KeyError) -> Self {
        Self::Store(error.into())
    }
}

/// Names what a unique key was violated by.
pub(crate) fn taken(what: &'static str) -> impl Fn(StoreError) -> DirectoryError {
    move |error| match error {
        StoreError::Duplicate => DirectoryError::Duplicate(what),
        error => DirectoryError::Store(error),
    }
}

/// A change that found nothing.
pub(crate) const fn found(yes: bool, what: &'static str) -> Result<(), DirectoryError> {
    if yes { Ok(()) } else { Err(DirectoryError::NotFound(what)) }
}
