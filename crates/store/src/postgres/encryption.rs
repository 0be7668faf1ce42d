//! Whether the way to the server is encrypted, and who the server must prove to be.
//!
//! What leaves this machine is encrypted and its server's certificate verified, unless the URL says `sslmode=disable`. What stays on
//! this machine is in clear, unless the URL says `sslmode=require`. There is no mode that encrypts to whoever answers: an attacker in
//! the middle would be who answers.

use crate::engine::StoreError;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{net::IpAddr, path::Path, sync::Arc};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whether what is said to a host leaves this machine.
fn is_remote(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => false,
    }
}

/// Decides by the URL's hosts and `sslmode`, writes the decision into `config`, and gives the connector for it.
pub(super) fn connector(config: &mut Config, ca_file: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let encrypted = match config.get_ssl_mode() {
        SslMode::Disable => false,
        // What libpq calls "prefer" is the default: it goes on in clear where the server has no TLS.
        SslMode::Prefer => config.get_hosts().iter().any(is_remote),
        _ => true,
    };
    config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
    // In clear nobody's certificate is looked at, and no file must be there for it.
    let roots = if encrypted { roots(ca_file)? } else { RootCertStore::empty() };
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Unavailable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(client))
}

/// The authorities in `ca_file`, or the system's.
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let unusable = |why: String| StoreError::Unavailable(format!("store.ca_file: {why}"));
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("holds no certificate".to_owned()));
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                return Err(unusable(
                    "isn't set, and this system has no certificate authorities of its own".to_owned(),
                ));
            }
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        let mut config: Config = url.parse().unwrap();
        connector(&mut config, None).map(drop).unwrap();
        config.get_ssl_mode()
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted() {
        for (url, expected) in [
            ("postgres://u@localhost/d", SslMode::Disable),
            ("postgres://u@127.0.0.1/d", SslMode::Disable),
            ("postgres://u@[::1]/d", SslMode::Disable),
            ("postgres://u@%2Frun%2Fpostgresql/d", SslMode::Disable),
            ("postgres://u@localhost/d?sslmode=require", SslMode::Require),
            ("postgres://u@db.example/d", SslMode::Require),
            ("postgres://u@db.example/d?sslmode=prefer", SslMode::Require),
            ("postgres://u@localhost,db.example/d", SslMode::Require),
            ("postgres://u@10.0.0.7/d?sslmode=require", SslMode::Require),
            ("postgres://u@10.0.0.7/d?sslmode=disable", SslMode::Disable),
        ] {
            assert_eq!(mode(url), expected, "{url}");
        }
    }

    #[test]
    fn a_file_without_an_authority_is_refused() {
        let mut config: Config = "postgres://u@db.example/d".parse().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/nowhere/ca.pem")] {
            let refused = connector(&mut config, Some(path)).map(drop).unwrap_err().to_string();
            assert!(refused.contains("store.ca_file"), "{refused}");
        }
    }
}
