//! TLS to an SMSC, whose certificate is always verified.

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use std::sync::Arc;
use types::SecretString;

/// Why TLS can't be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// The authorities are no PEM, or none.
    #[error("the certificate authorities can't be read: {0}")]
    Authorities(String),
    /// The client's own certificate or key is at fault.
    #[error("the client's certificate or key can't be used: {0}")]
    Identity(String),
    /// The name is no DNS name and no address.
    #[error("the name in the SMSC's certificate is no DNS name and no address")]
    Name,
}

/// Who the SMSC must prove to be, and who we are.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// `name`: what stands in the SMSC's certificate. `authorities`: who may have signed it, in PEM; the system's where `None`.
    /// `identity`: our certificates and their key, both in PEM, where the SMSC asks for them.
    ///
    /// # Errors
    /// [`InvalidTls`].
    pub fn new(
        name: &str,
        authorities: Option<&[u8]>,
        identity: Option<(&[u8], &SecretString)>,
    ) -> Result<Self, InvalidTls> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| InvalidTls::Name)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| InvalidTls::Authorities(error.to_string()))?
            .with_root_certificates(roots(authorities)?);
        let config = match identity {
            Some((certificates, key)) => {
                let certificates = CertificateDer::pem_slice_iter(certificates)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| InvalidTls::Identity(error.to_string()))?;
                let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                    .map_err(|error| InvalidTls::Identity(error.to_string()))?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(|error| InvalidTls::Identity(error.to_string()))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), name })
    }

    pub(crate) fn connector(&self) -> (tokio_rustls::TlsConnector, ServerName<'static>) {
        (Arc::clone(&self.config).into(), self.name.clone())
    }
}

fn roots(authorities: Option<&[u8]>) -> Result<RootCertStore, InvalidTls> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| InvalidTls::Authorities(error.to_string()))?;
                roots.add(certificate).map_err(|error| InvalidTls::Authorities(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() { Err(InvalidTls::Authorities("there are none".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_used_is_refused() {
        let key = rcgen::generate_simple_self_signed(vec!["smsc.test".to_owned()]).unwrap();
        let pem = key.cert.pem();
        assert!(Tls::new("smsc.test", Some(pem.as_bytes()), None).is_ok());
        let secret = SecretString::new(key.signing_key.serialize_pem());
        assert!(Tls::new("127.0.0.1", Some(pem.as_bytes()), Some((pem.as_bytes(), &secret))).is_ok());
        assert!(matches!(Tls::new("not a name", Some(pem.as_bytes()), None), Err(InvalidTls::Name)));
        assert!(matches!(Tls::new("smsc.test", Some(b"nothing"), None), Err(InvalidTls::Authorities(_))));
        let other = SecretString::new("no key".to_owned());
        let refused = Tls::new("smsc.test", Some(pem.as_bytes()), Some((pem.as_bytes(), &other)));
        assert!(matches!(refused, Err(InvalidTls::Identity(_))));
    }
}
