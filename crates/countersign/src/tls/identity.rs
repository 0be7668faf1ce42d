//! A certificate chain with its private key, and what must be known about it: until when it holds, and for whom.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{InconsistentKeys, crypto::aws_lc_rs, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use types::Millis;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};
use zeroize::Zeroizing;

use super::error::TlsError;

/// A certificate chain with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    /// For the TLS library.
    pub(crate) key: Arc<CertifiedKey>,
    /// From when it holds.
    pub(crate) not_before: Millis,
    /// Until when it holds.
    pub(crate) not_after: Millis,
    /// The names and addresses that it is for.
    pub(crate) names: Vec<String>,
}

impl Identity {
    /// Reads PEM files; the two may be one.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn read(cert_file: &Path, key_file: &Path) -> Result<Self, TlsError> {
        let cert = read(cert_file)?;
        let key = read(key_file)?;
        Self::parse(&cert, cert_file, &key, key_file)
    }

    /// Reads PEM texts that stand in for the files.
    ///
    /// # Errors
    /// What is wrong with which.
    pub(crate) fn parse(cert: &[u8], cert_file: &Path, key: &[u8], key_file: &Path) -> Result<Self, TlsError> {
        let unusable = |path: &Path, reason: String| TlsError::Unusable { path: path.to_owned(), reason };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(cert)
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(cert_file, error.to_string()))?;
        let Some(leaf) = chain.first() else { return Err(TlsError::NoCertificate(cert_file.to_owned())) };
        let (_, leaf) = X509Certificate::from_der(leaf)
            .map_err(|_| unusable(cert_file, "the certificate can't be read".to_owned()))?;
        let not_before = Millis::from_seconds(leaf.validity().not_before.timestamp());
        let not_after = Millis::from_seconds(leaf.validity().not_after.timestamp());
        let names = names(&leaf);
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            // An encrypted key is PEM of another kind, so it isn't found at all.
            if key.windows(b"ENCRYPTED".len()).any(|window| window == b"ENCRYPTED") {
                TlsError::EncryptedKey(key_file.to_owned())
            } else {
                TlsError::NoKey(key_file.to_owned())
            }
        })?;
        let key =
            CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|error| match error {
                rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    TlsError::Mismatch { cert: cert_file.to_owned(), key: key_file.to_owned() }
                }
                error => unusable(key_file, error.to_string()),
            })?;
        Ok(Self { key: Arc::new(key), not_before, not_after, names })
    }

    /// Whether a client that asks for `name` accepts it. For a pattern: whether it is for that pattern.
    #[must_use]
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.names.iter().any(|own| {
            own == name
                || own.strip_prefix("*.").is_some_and(|parent| {
                    name.split_once('.').is_some_and(|(label, rest)| label != "*" && rest == parent)
                })
        })
    }
}

/// Reads a file that may hold a key.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let result = std::fs::read(path).map(Zeroizing::new);
    result.map_err(|source| TlsError::Read { path: PathBuf::from(path), source })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    alternative
        .map_or_else(Vec::new, |extension| extension.value.general_names.iter().filter_map(general_name).collect())
}

fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from);
            v4.or_else(v6).map(|ip| ip.to_string())
        }
        _ => None,
    }
}
