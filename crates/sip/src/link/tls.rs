//! Whose certificate a trunk must show.

use crate::config::Config;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::{io, sync::Arc};
use tokio_rustls::TlsConnector;

/// TLS 1.2 and 1.3, by the one provider; the authorities are the file's, or else the system's.
pub(crate) fn client_config(config: &Config) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match &config.ca_file {
        Some(path) => {
            for one in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                roots.add(one.map_err(io::Error::other)?).map_err(io::Error::other)?;
            }
        }
        None => {
            // Some of the system's may be such that nobody can use them.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(io::Error::other("no certificate authority"));
    }
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(client)))
}
