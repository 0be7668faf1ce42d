//! The configuration as the code uses it: typed, checked, with the secrets read from their files.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use types::SecretString;

/// Where and for whom the server serves.
#[derive(Clone)]
pub struct Server {
    /// The addresses to listen on; never empty.
    pub listen: Vec<SocketAddr>,
    /// The addresses where clients are asked for a certificate.
    pub mtls_listen: Vec<SocketAddr>,
    /// The port that they come to, where it isn't the first listener's.
    pub mtls_public_port: Option<u16>,
    /// The names (or IP addresses) under which clients reach the server, lower-case; a first label may be `*`.
    pub api_hosts: Vec<String>,
    /// The port that browsers come to, where it isn't the first listener's.
    pub public_port: Option<u16>,
    /// The host that the canary's beacons are loaded from, lower-case.
    pub beacon_host: Option<String>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

/// How much a client may ask for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The largest request line and headers, in bytes.
    pub header_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections from one address.
    pub connections_per_address: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request's headers.
    pub header: Duration,
    /// For a request's body.
    pub body: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For the answer to a request.
    pub request: Duration,
    /// For news of an attempt.
    pub long_poll: Duration,
}

/// Where the certificate comes from.
#[derive(Clone)]
pub enum TlsMode {
    /// A certificate authority of the server's own.
    OwnCa {
        /// Where it is kept.
        dir: PathBuf,
    },
    /// PEM files that somebody else looks after.
    Files {
        /// The certificate and its chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// An ACME authority.
    Acme(Acme),
}

/// How to reach an ACME authority.
#[derive(Clone)]
pub struct Acme {
    /// The directory.
    pub directory_url: String,
    /// Contact URLs.
    pub contact: Vec<String>,
    /// The names to ask for; never empty, no wildcards.
    pub domains: Vec<String>,
    /// Where the account and the certificate are kept.
    pub cache_dir: PathBuf,
    /// Who signed the directory's certificate, if not one of the system's authorities.
    pub directory_ca: Option<PathBuf>,
}

/// Which engine keeps the rows.
#[derive(Clone)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server; the URL may hold a password.
    Postgres {
        /// The URL.
        url: SecretString,
        /// The password, when it isn't in the URL.
        password: Option<SecretString>,
    },
}

/// The store.
#[derive(Clone)]
pub struct Store {
    /// Which engine.
    pub url: StoreUrl,
    /// Who must have signed PostgreSQL's certificate; the system's authorities if not given.
    pub ca_file: Option<PathBuf>,
    /// Connections for reading.
    pub read_connections: usize,
    /// Connections for writing (PostgreSQL).
    pub write_connections: usize,
}

/// Where a root key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// In a file.
    File(PathBuf),
    /// On the PKCS#11 token of [`Keys::token`].
    Token,
}

/// The root key.
#[derive(Clone)]
pub struct Keys {
    /// The one in use.
    pub root: Root,
    /// Those that were in use before.
    pub older: Vec<Root>,
    /// The PKCS#11 token, when a root is on it.
    pub token: Option<Token>,
    /// The file of the message log's day keys.
    pub log_days: PathBuf,
}

/// A PKCS#11 token.
#[derive(Clone)]
pub struct Token {
    /// The library.
    pub module: PathBuf,
    /// The token's label.
    pub token_label: String,
    /// The key's label.
    pub key_label: String,
    /// The user PIN.
    pub pin: SecretString,
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None.
    Plain,
}

/// The mail server.
#[derive(Clone)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: SmtpSecurity,
    /// Name and password, when it wants them.
    pub credentials: Option<(String, SecretString)>,
    /// The sender of every mail.
    pub from: String,
}

/// The message supplier.
#[derive(Clone)]
pub struct Supplier {
    /// Where its API is, without a slash at the end.
    pub base_url: String,
    /// The account.
    pub account_sid: String,
    /// The account's token.
    pub token: SecretString,
    /// The number or sender id that messages come from.
    pub from: String,
}

/// The pages.
#[derive(Clone, Debug)]
pub struct Web {
    /// A directory with catalogues of texts.
    pub texts_dir: Option<PathBuf>,
}

/// FIDO's metadata of authenticators.
#[derive(Clone, Debug)]
pub struct Fido {
    /// The signed blob.
    pub metadata_file: PathBuf,
    /// Where its signature must lead to.
    pub roots_file: PathBuf,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// What is logged: a `tracing` filter.
    pub filter: String,
}

/// The metrics.
#[derive(Clone)]
pub struct Metrics {
    /// The second listener.
    pub listen: Option<SocketAddr>,
    /// Who may read them on the main listener.
    pub token: Option<SecretString>,
}

/// Who is asked whether a number's card was exchanged.
#[derive(Clone)]
pub struct SimSwap {
    /// The API's address up to its version.
    pub url: String,
    /// The bearer token.
    pub token: SecretString,
    /// Hours.
    pub max_age: u32,
    /// Whether the question stands before a code is sent.
    pub gate: bool,
    /// Whether a code is sent when nobody can say.
    pub open_on_failure: bool,
}

/// All of it.
#[derive(Clone)]
pub struct Config {
    /// Where and for whom.
    pub server: Server,
    /// How much.
    pub limits: Limits,
    /// The certificate.
    pub tls: TlsMode,
    /// The directory for what the server makes.
    pub data_dir: PathBuf,
    /// The store.
    pub store: Store,
    /// The root key.
    pub keys: Keys,
    /// The mail server, if there is one.
    pub smtp: Option<Smtp>,
    /// Says where addresses are.
    pub geo_database: Option<PathBuf>,
    /// Which push services authenticators are woken through; without any there are no pushes.
    pub push_hosts: Option<messaging::web_push::Hosts>,
    /// The message supplier, if there is one.
    pub supplier: Option<Supplier>,
    /// The carriers and the routes over them, where they are described in a file.
    pub gateway_file: Option<PathBuf>,
    /// Networks beside the public Internet that callbacks may lead to.
    pub callback_networks: Vec<ipnet::IpNet>,
    /// Who is asked whether a number's card was exchanged, if anybody.
    pub sim_swap: Option<SimSwap>,
    /// The pages.
    pub web: Web,
    /// What is known of authenticators, if anything.
    pub fido: Option<Fido>,
    /// The log.
    pub log: Log,
    /// The metrics.
    pub metrics: Metrics,
}

impl Config {
    /// The name that is shown in links: the first configured one that isn't a pattern, else the first listener's.
    #[must_use]
    pub fn public_host(&self) -> String {
        let port = self.public_port();
        let name = self.server.api_hosts.iter().find(|name| !name.starts_with('*')).cloned();
        let name = name.unwrap_or_else(|| "localhost".to_owned());
        if port == 443 { name } else { format!("{name}:{port}") }
    }

    /// The port that browsers and phones come to.
    #[must_use]
    pub fn public_port(&self) -> u16 {
        self.server.public_port.unwrap_or_else(|| self.server.listen.first().map_or(443, SocketAddr::port))
    }

    /// The port where clients are asked for a certificate; none where they aren't.
    #[must_use]
    pub fn mtls_port(&self) -> Option<u16> {
        let first = self.server.mtls_listen.first()?;
        Some(self.server.mtls_public_port.unwrap_or_else(|| first.port()))
    }

    /// Every name and address that the server's own certificate should cover.
    #[must_use]
    pub fn certificate_names(&self) -> Vec<String> {
        let listening = self.server.listen.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified());
        let local = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let mut names: Vec<String> = Vec::new();
        let given = self.server.api_hosts.iter().cloned().chain(self.server.beacon_host.clone());
        for name in given.chain(local).chain(listening.map(|ip: IpAddr| ip.to_string())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
