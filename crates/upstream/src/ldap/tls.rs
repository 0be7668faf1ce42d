//! Which servers, and how their word is protected on its way.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use super::LdapError;

/// How what is said to a server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (port 636).
    Tls,
    /// TLS after StartTLS (port 389); nothing else is said before it.
    StartTls,
    /// Clear text: to this machine only.
    Clear,
}

/// A server of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, which its certificate must have, or its address.
    pub host: String,
    /// Its port; 636 and 389 are usual.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
}

impl Server {
    /// Whether passwords may go there.
    pub(super) fn check(&self) -> Result<(), LdapError> {
        let is_here = self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.security == Security::Clear && !is_here {
            return Err(LdapError::Settings("clear text to another machine"));
        }
        self.name().map(drop)
    }

    pub(super) fn name(&self) -> Result<ServerName<'static>, LdapError> {
        ServerName::try_from(self.host.clone()).map_err(|_| LdapError::Settings("a server's name"))
    }
}

/// Who may have signed the servers' certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Those that the system trusts.
    System,
    /// These alone, in PEM.
    Pem(Vec<u8>),
}

impl Authorities {
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, LdapError> {
        const BAD: LdapError = LdapError::Settings("certificate authorities");
        let mut roots = RootCertStore::empty();
        match self {
            Self::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Self::Pem(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    roots.add(certificate.map_err(|_| BAD)?).map_err(|_| BAD)?;
                }
                if roots.is_empty() {
                    return Err(BAD);
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| BAD)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}
