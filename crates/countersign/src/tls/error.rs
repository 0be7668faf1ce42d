//! What can go wrong with certificates, told so that an administrator knows what to do.

use std::{io, path::PathBuf};

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file can't be written.
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no PEM certificate.
    #[error("{}: no certificate in it; PEM is expected, with a line BEGIN CERTIFICATE", .0.display())]
    NoCertificate(PathBuf),
    /// A file holds no PEM key.
    #[error("{}: no private key in it; PEM is expected, with a line BEGIN PRIVATE KEY", .0.display())]
    NoKey(PathBuf),
    /// The key is encrypted.
    #[error("{}: the private key is encrypted; write it without a passphrase, readable by its owner only", .0.display())]
    EncryptedKey(PathBuf),
    /// Certificate and key don't belong together.
    #[error("{}: not the private key of the first certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The key or certificate is of a kind that can't be used.
    #[error("{}: can't be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The own authority was made for other names.
    #[error(
        "{}: this certificate authority may not sign for {name}: it was made for other names. To make a new one, move \
         ca.pem and ca.key out of that directory and start again; then every client needs the new ca.pem",
        ca.display()
    )]
    NotPermitted {
        /// The authority's certificate.
        ca: PathBuf,
        /// The name.
        name: String,
    },
    /// A certificate can't be made.
    #[error("can't make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The TLS library refuses its configuration.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// The ACME authority.
    #[error("ACME: {0}")]
    Acme(#[from] super::acme::AcmeError),
}
