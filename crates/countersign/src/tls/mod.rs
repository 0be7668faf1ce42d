//! TLS: where the certificate comes from, and how it is exchanged while the server runs.
//!
//! [`Tls::start`] gets a certificate by the configured way ([`own_ca`], [`files`] or [`acme`]), puts it into
//! [`hot::HotCertificate`], which every handshake looks at, and leaves a task behind that keeps it fresh. TLS 1.2 and
//! 1.3: old duo_unix builds speak no more than 1.2.
//!
//! Private keys are written for their owner only, never half, never logged. To add a way: a variant of
//! [`crate::config::TlsMode`], a file here that makes an [`identity::Identity`], and an arm in [`Tls::start`].

mod acme;
mod acme_http;
mod client_certificates;
mod error;
mod files;
mod hot;
pub(crate) mod identity;
mod own_ca;
mod private_file;

#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    version::{TLS12, TLS13},
};
use types::World;

pub use acme::AcmeError;
pub use error::TlsError;

use self::{acme::Keeper, client_certificates::AnyCertificate, files::Files, hot::HotCertificate, own_ca::OwnCa};
use crate::{
    config::{Config, TlsMode},
    serve::{Shutdown, signals::Reload},
    telemetry::Registry,
};

/// The protocol in which an ACME authority asks (RFC 8737 §4).
pub const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

/// How often the own authority's server certificate is looked at.
const OWN_CA_LOOK: Duration = Duration::from_secs(86_400);

/// TLS, ready to serve.
pub struct Tls {
    server_config: Arc<ServerConfig>,
    asking_config: Arc<ServerConfig>,
    hot: Arc<HotCertificate>,
    ca_file: Option<PathBuf>,
}

impl Tls {
    /// Gets a certificate by the configured way, and keeps it fresh until `shutdown` begins. With ACME there may be
    /// none yet when this returns: the authority asks on the very port that is yet to be served.
    ///
    /// # Errors
    /// What an administrator has to mend.
    pub async fn start(
        config: &Config,
        world: &World,
        registry: &Arc<Registry>,
        shutdown: &Shutdown,
        reload: Reload,
    ) -> Result<Self, TlsError> {
        use_aws_lc();
        let hot = HotCertificate::new(registry.clone());
        let mut protocols = vec![b"http/1.1".to_vec()];
        let mut ca_file = None;
        match &config.tls {
            TlsMode::OwnCa { dir } => {
                let ca = OwnCa::open(dir, config.certificate_names(), world.clone())?;
                let (identity, new) = ca.identity()?;
                hot.set(identity);
                let path = std::path::absolute(ca.ca_file()).unwrap_or_else(|_| ca.ca_file());
                tracing::info!(ca = %path.display(), new, "own certificate authority: give this file to clients");
                ca_file = Some(path);
                tokio::spawn(keep_own(ca, hot.clone(), shutdown.clone()));
            }
            TlsMode::Files { cert, key } => {
                let files = Files { cert: cert.clone(), key: key.clone() };
                let names = config.server.api_hosts.clone();
                hot.set(files.load(&names, world)?);
                tokio::spawn(files.keep(hot.clone(), names, world.clone(), shutdown.clone(), reload));
            }
            TlsMode::Acme(settings) => {
                protocols.push(ACME_PROTOCOL.to_vec());
                let keeper = Keeper {
                    settings: settings.clone(),
                    hot: hot.clone(),
                    world: world.clone(),
                    shutdown: shutdown.clone(),
                };
                keeper.start()?;
                tokio::spawn(keeper.keep());
            }
        }
        let asking_config = asking_config(hot.clone())?;
        Ok(Self { server_config: server_config(hot.clone(), protocols)?, asking_config, hot, ca_file })
    }

    /// For the listeners.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.server_config.clone()
    }

    /// For the listener that asks clients for a certificate.
    #[must_use]
    pub fn asking_config(&self) -> Arc<ServerConfig> {
        self.asking_config.clone()
    }

    /// Whether there is a certificate to serve with: for readiness, since ACME takes its time.
    pub fn has_certificate(&self) -> impl Fn() -> bool + Clone + Send + Sync + 'static {
        let hot = self.hot.clone();
        move || hot.current().is_some()
    }

    /// The own authority's certificate, for clients.
    #[must_use]
    pub fn ca_file(&self) -> Option<&PathBuf> {
        self.ca_file.as_ref()
    }
}

/// One provider for the whole process, also for libraries that take the process's.
fn use_aws_lc() {
    // Err: somebody has chosen already, and there is only one to choose.
    let _ = CryptoProvider::install_default(aws_lc_rs::default_provider());
}

fn server_config(hot: Arc<HotCertificate>, protocols: Vec<Vec<u8>>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(hot);
    config.alpn_protocols = protocols;
    // Resumption without state here; the tickets' key changes every six hours. One ticket is enough for one client.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// As [`server_config`], and clients are asked for a certificate. Nothing is resumed: each connection shows its key.
fn asking_config(hot: Arc<HotCertificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(Arc::new(AnyCertificate::new()))
        .with_cert_resolver(hot);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

async fn keep_own(ca: OwnCa, hot: Arc<HotCertificate>, shutdown: Shutdown) {
    while !shutdown.sleep(OWN_CA_LOOK).await {
        match ca.identity() {
            Ok((identity, true)) => {
                tracing::info!("the server's certificate was renewed");
                hot.set(identity);
            }
            Ok((_, false)) => {}
            Err(error) => tracing::error!(%error, "the server's certificate can't be renewed"),
        }
    }
}

/// A client that trusts one authority only.
#[cfg(test)]
pub(crate) async fn test_client(
    ca: &std::path::Path,
    address: std::net::SocketAddr,
    name: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    use rustls_pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls_pki_types::CertificateDer::from_pem_file(ca).expect("ca.pem")).expect("a root");
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let tcp = tokio::net::TcpStream::connect(address).await?;
    let name = rustls_pki_types::ServerName::try_from(name.to_owned()).expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}
