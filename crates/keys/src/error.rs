//! What can go wrong with keys. No variant holds, and no text shows, a key, a plaintext or a password.

use std::{io, path::PathBuf};

/// Why a key operation did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes or the text are not in the form that this crate writes: truncated, extended, of an unknown format.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Authentication failed: the value was changed, or it belongs to another tenant, table, column, row, version or key.
    #[error("the value was changed or does not belong here")]
    Refused,
    /// The value was written under a tenant-key version that is not among those opened.
    #[error("tenant-key version {0} is not at hand")]
    UnknownVersion(u32),
    /// The tenant key was wrapped by a root key that this ring does not hold.
    #[error("the root key that wrapped this tenant key is not at hand")]
    UnknownRoot,
    /// The field is opened in one place only, and not by this call.
    #[error("this field is opened by its own guard only")]
    Guarded,
    /// A tenant without any key.
    #[error("the tenant has no key")]
    NoTenantKey,
    /// Two tenant keys with one version number.
    #[error("two tenant keys have version {0}")]
    DuplicateVersion(u32),
    /// Longer than the operation takes; the number is the limit in bytes.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// The day of the message log was forgotten, as its retention asks: nobody can read it any more.
    #[error("the day was shredded")]
    Shredded,
    /// The keys of the message log's days are not at hand.
    #[error("the log's day keys are not at hand")]
    NoDayKeys,
    /// Others than the owner may read or write a file of keys.
    #[error("{path} may be used by others than its owner (mode {mode:03o}); set it to 600")]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file of keys could not be read or written.
    #[error("{path}: cannot {doing} the key file")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The newest root key cannot be removed: nothing would wrap.
    #[error("the newest root key cannot be removed")]
    NewestRoot,
    /// The PKCS#11 token refused or was not reachable.
    #[error("PKCS#11: cannot {doing}")]
    Pkcs11 {
        /// What was tried.
        doing: &'static str,
        /// The cause.
        #[source]
        source: cryptoki::error::Error,
    },
    /// The PKCS#11 module has no token with the wanted label.
    #[error("PKCS#11: no token has the configured label")]
    NoToken,
    /// A key with the wanted label is there, but it could leave the token, or is no AES-256 key for encryption.
    #[error("PKCS#11: the key with the configured label is not a non-extractable AES-256 encryption key")]
    UnfitTokenKey,
    /// The cryptographic library refused parameters; retrying does not help.
    #[error("the cryptographic library refused to {0}")]
    Library(&'static str),
}
