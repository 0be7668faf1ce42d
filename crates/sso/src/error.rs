//! What can go wrong on this floor.

use auth::AuthError;
use store::StoreError;

/// An error of this floor. What a relying party or a browser is shown never carries its text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SsoError {
    /// The engine.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory: a name that is taken, or something that isn't there.
    #[error(transparent)]
    Directory(#[from] directory::DirectoryError),
    /// What was asked is over, or was never there, or is another browser's.
    #[error("the session or the request is over")]
    Over,
    /// A setting that an administrator gave can't be used.
    #[error("{at}: {why}")]
    Invalid {
        /// Where: the way to the field, with dots.
        at: String,
        /// What is wrong with it, for people.
        why: String,
    },
    /// What is stored can't be read.
    #[error("{0} is damaged")]
    Damaged(&'static str),
}

impl SsoError {
    /// A setting that can't be used.
    #[must_use]
    pub fn invalid(at: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { at: at.into(), why: why.into() }
    }
}

/// An error's text with those of its causes, for our own log: what a client or a browser is shown never has it.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut whole = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        whole.push_str(": ");
        whole.push_str(&inner.to_string());
        source = inner.source();
    }
    whole
}
