//! From the values that hold to the typed configuration: parses what is more than a text, reads secrets' files, and
//! refuses combinations that can't work.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use types::SecretString;
use zeroize::Zeroizing;

use super::{
    error::{ConfigError, Mistake},
    sections::{
        Acme, Config, Fido, Keys, Limits, Log, LogFormat, Metrics, Root, Server, SimSwap, Smtp, SmtpSecurity, Store,
        StoreUrl, Supplier, TlsMode, Token, Web,
    },
    settings::Settings,
};

/// A secret's file holds a line, not a disk.
const LONGEST_SECRET: usize = 65_536;

/// Makes the typed configuration.
///
/// # Errors
/// Every value that means nothing, every secret that can't be read, every key that is missing beside another.
pub(super) fn check(settings: &Settings) -> Result<Config, ConfigError> {
    let mut check = Check { settings, mistakes: Vec::new() };
    let data_dir = settings.path("data.dir").unwrap_or_default();
    let server = check.server();
    let limits = check.limits();
    let tls = check.tls(&data_dir, &server);
    let config = Config {
        limits,
        tls,
        store: check.store(&data_dir),
        keys: check.keys(&data_dir),
        smtp: check.smtp(),
        geo_database: settings.path("geo.database"),
        push_hosts: check.push_hosts(),
        supplier: check.supplier(),
        gateway_file: settings.path("messaging.file"),
        callback_networks: check.callback_networks(),
        sim_swap: check.sim_swap(),
        web: Web { texts_dir: settings.path("web.texts_dir") },
        fido: check.fido(),
        log: check.log(),
        metrics: check.metrics(),
        data_dir,
        server,
    };
    if check.mistakes.is_empty() { Ok(config) } else { Err(ConfigError(check.mistakes)) }
}

struct Check<'a> {
    settings: &'a Settings,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn wrong(&mut self, key: &'static str, expected: &str) {
        let origin = self.settings.origin(key);
        self.mistakes.push(Mistake::WrongValue { origin, key, expected: expected.to_owned() });
    }

    fn missing(&mut self, key: &'static str, because: &'static str) {
        self.mistakes.push(Mistake::Missing { key, because });
    }

    fn seconds(&self, key: &str) -> Duration {
        Duration::from_secs(self.settings.number(key))
    }

    fn size(&self, key: &str) -> usize {
        usize::try_from(self.settings.number(key)).unwrap_or(usize::MAX)
    }

    fn parsed<T: FromStr>(&mut self, key: &'static str, texts: &[String], expected: &str) -> Vec<T> {
        let parsed: Vec<T> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        if parsed.len() != texts.len() {
            self.wrong(key, expected);
        }
        parsed
    }

    fn server(&mut self) -> Server {
        let settings = self.settings;
        let listen: Vec<SocketAddr> = self.parsed(
            "server.listen",
            settings.list("server.listen"),
            "IP addresses with ports, such as 127.0.0.1:8443 or [::]:443",
        );
        // A bare address stands for the network of that one address.
        let proxies: Vec<String> = settings
            .list("server.trusted_proxies")
            .iter()
            .map(|text| text.parse::<IpAddr>().map_or_else(|_| text.clone(), |ip| IpNet::from(ip).to_string()))
            .collect();
        let trusted_proxies =
            self.parsed("server.trusted_proxies", &proxies, "networks, such as 10.0.0.0/8 or 2001:db8::/32");
        let api_hosts = self.host_names("server.api_hosts", true);
        let public_port = u16::try_from(settings.number("server.public_port")).ok().filter(|port| *port > 0);
        let beacon_host = settings.text("server.beacon_host").map(str::to_ascii_lowercase);
        if beacon_host.as_ref().is_some_and(|name| !is_host_name(name, false) || name.parse::<IpAddr>().is_ok()) {
            self.wrong(
                "server.beacon_host",
                "a host name without scheme, port and wildcard, such as beacon.example.com",
            );
        } else if beacon_host.as_ref().is_some_and(|name| api_hosts.contains(name)) {
            self.wrong("server.beacon_host", "a name that is not among `server.api_hosts`");
        }
        let drain = self.seconds("server.drain_seconds");
        let mtls_listen: Vec<SocketAddr> = self.parsed(
            "server.mtls_listen",
            settings.list("server.mtls_listen"),
            "IP addresses with ports, such as 127.0.0.1:9443 or [::]:9443",
        );
        let mtls_public_port = u16::try_from(settings.number("server.mtls_public_port")).ok().filter(|port| *port > 0);
        Server { listen, mtls_listen, mtls_public_port, api_hosts, public_port, beacon_host, trusted_proxies, drain }
    }

    fn host_names(&mut self, key: &'static str, wildcards: bool) -> Vec<String> {
        let names: Vec<String> = self.settings.list(key).iter().map(|name| name.to_ascii_lowercase()).collect();
        if !names.iter().all(|name| is_host_name(name, wildcards)) {
            let expected = if wildcards {
                "host names without scheme and port, such as api-1a2b3c4d.example.com or *.mfa.example.com"
            } else {
                "host names without scheme, port and wildcard, such as api-1a2b3c4d.example.com"
            };
            self.wrong(key, expected);
        }
        names
    }

    fn limits(&mut self) -> Limits {
        let limits = Limits {
            body_bytes: self.size("limits.body_bytes"),
            header_bytes: self.size("limits.header_bytes"),
            connections: self.size("limits.connections"),
            connections_per_address: self.size("limits.connections_per_address"),
            handshake: self.seconds("limits.handshake_seconds"),
            header: self.seconds("limits.header_seconds"),
            body: self.seconds("limits.body_seconds"),
            idle: self.seconds("limits.idle_seconds"),
            request: self.seconds("limits.request_seconds"),
            long_poll: self.seconds("limits.long_poll_seconds"),
        };
        if limits.request < limits.long_poll + Duration::from_secs(10) {
            self.wrong("limits.request_seconds", "at least ten seconds more than `limits.long_poll_seconds`");
        }
        limits
    }

    fn tls(&mut self, data_dir: &std::path::Path, server: &Server) -> TlsMode {
        let settings = self.settings;
        match settings.text("tls.mode") {
            Some("files") => {
                let (cert, key) = (settings.path("tls.cert_file"), settings.path("tls.key_file"));
                if cert.is_none() {
                    self.missing("tls.cert_file", "where `tls.mode` is `files`");
                }
                if key.is_none() {
                    self.missing("tls.key_file", "where `tls.mode` is `files`");
                }
                TlsMode::Files { cert: cert.unwrap_or_default(), key: key.unwrap_or_default() }
            }
            Some("acme") => TlsMode::Acme(self.acme(data_dir, server)),
            _ => TlsMode::OwnCa { dir: settings.path("tls.own_ca.dir").unwrap_or_else(|| data_dir.join("tls")) },
        }
    }

    fn acme(&mut self, data_dir: &std::path::Path, server: &Server) -> Acme {
        let settings = self.settings;
        let mut domains = self.host_names("tls.acme.domains", false);
        if domains.iter().any(|name| name.parse::<IpAddr>().is_ok()) {
            self.wrong("tls.acme.domains", "host names: a certificate for an IP address can't be had this way");
        }
        if settings.list("tls.acme.domains").is_empty() {
            domains.clone_from(&server.api_hosts);
            domains.extend(server.beacon_host.clone());
            let unfit = |name: &String| name.starts_with('*') || name.parse::<IpAddr>().is_ok();
            if server.api_hosts.is_empty() || domains.iter().any(unfit) {
                self.missing("tls.acme.domains", "where `server.api_hosts` is empty or holds a wildcard or an address");
            }
        }
        let directory_url = settings.text("tls.acme.directory_url").unwrap_or_default().to_owned();
        if !directory_url.starts_with("https://") {
            self.wrong("tls.acme.directory_url", "a URL that begins with https://");
        }
        let contact = settings.list("tls.acme.contact").to_vec();
        if contact.iter().any(|url| !url.contains(':')) {
            self.wrong("tls.acme.contact", "URLs, such as mailto:ops@example.com");
        }
        Acme {
            directory_url,
            contact,
            domains,
            cache_dir: settings.path("tls.acme.cache_dir").unwrap_or_else(|| data_dir.join("acme")),
            directory_ca: settings.path("tls.acme.directory_ca_file"),
        }
    }

    fn store(&mut self, data_dir: &std::path::Path) -> Store {
        let settings = self.settings;
        let password = self.secret("store.password", "store.password_file");
        let url = match settings.text("store.url") {
            None => StoreUrl::Sqlite(data_dir.join("countersign.db")),
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) if !path.is_empty() => StoreUrl::Sqlite(PathBuf::from(path)),
                None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                    StoreUrl::Postgres { url: SecretString::new(url.to_owned()), password }
                }
                _ => {
                    self.wrong("store.url", "sqlite:/path/of/file.db or postgres://user@host/database");
                    StoreUrl::Sqlite(PathBuf::new())
                }
            },
        };
        Store {
            url,
            ca_file: settings.path("store.ca_file"),
            read_connections: self.size("store.read_connections"),
            write_connections: self.size("store.write_connections"),
        }
    }

    fn keys(&mut self, data_dir: &std::path::Path) -> Keys {
        let settings = self.settings;
        let root = match settings.text("keys.root") {
            None => Some(Root::File(data_dir.join("root.key"))),
            Some(text) => parse_root(text),
        };
        let older: Vec<Option<Root>> = settings.list("keys.older_roots").iter().map(|text| parse_root(text)).collect();
        if root.is_none() {
            self.wrong("keys.root", "file:/path or pkcs11:");
        }
        if older.iter().any(Option::is_none) {
            self.wrong("keys.older_roots", "a list of file:/path or pkcs11:");
        }
        let root = root.unwrap_or(Root::Token);
        let older: Vec<Root> = older.into_iter().flatten().collect();
        let pin = self.secret("keys.pkcs11.pin", "keys.pkcs11.pin_file");
        let token = (root == Root::Token || older.contains(&Root::Token)).then(|| {
            let why = "where a root key is on a PKCS#11 token";
            let module = settings.path("keys.pkcs11.module");
            let token_label = settings.text("keys.pkcs11.token_label");
            if module.is_none() {
                self.missing("keys.pkcs11.module", why);
            }
            if token_label.is_none() {
                self.missing("keys.pkcs11.token_label", why);
            }
            if pin.is_none() {
                self.missing("keys.pkcs11.pin", why);
            }
            Token {
                module: module.unwrap_or_default(),
                token_label: token_label.unwrap_or_default().to_owned(),
                key_label: settings.text("keys.pkcs11.key_label").unwrap_or_default().to_owned(),
                pin: pin.unwrap_or_else(|| SecretString::new(String::new())),
            }
        });
        let log_days = settings.path("keys.log_days").unwrap_or_else(|| data_dir.join("log-days.key"));
        Keys { root, older, token, log_days }
    }

    fn smtp(&mut self) -> Option<Smtp> {
        let settings = self.settings;
        let password = self.secret("smtp.password", "smtp.password_file");
        let host = settings.text("smtp.host")?.to_owned();
        let security = match settings.text("smtp.security") {
            Some("tls") => SmtpSecurity::Tls,
            Some("none") => SmtpSecurity::Plain,
            _ => SmtpSecurity::StartTls,
        };
        if security == SmtpSecurity::Plain && !is_this_machine(&host) {
            self.wrong("smtp.security", "starttls or tls, where the mail server isn't on this machine");
        }
        let from = settings.text("smtp.from").map(str::to_owned);
        if !from.as_ref().is_some_and(|from| from.contains('@')) {
            self.missing("smtp.from", "where `smtp.host` is set");
        }
        let username = settings.text("smtp.username").map(str::to_owned);
        if username.is_some() != password.is_some() {
            let key = if username.is_some() { "smtp.password" } else { "smtp.username" };
            self.missing(key, "to sign in to the mail server");
        }
        Some(Smtp {
            host,
            port: u16::try_from(settings.number("smtp.port")).unwrap_or(587),
            security,
            credentials: username.zip(password),
            from: from.unwrap_or_default(),
        })
    }

    fn push_hosts(&mut self) -> Option<messaging::web_push::Hosts> {
        let loopback = self.settings.text("web_push.allow_http_loopback") == Some("yes");
        let patterns = self.settings.list("web_push.hosts");
        if patterns.is_empty() && !loopback {
            return None;
        }
        let hosts = messaging::web_push::Hosts::new(patterns, loopback);
        if hosts.is_err() {
            self.wrong("web_push.hosts", "host names of push services, such as push.example.com or *.push.example.com");
        }
        hosts.ok()
    }

    fn supplier(&mut self) -> Option<Supplier> {
        let settings = self.settings;
        let token = self.secret("supplier.token", "supplier.token_file");
        let account_sid = settings.text("supplier.account_sid")?.to_owned();
        let base_url = settings.text("supplier.base_url").unwrap_or_default().trim_end_matches('/').to_owned();
        let host = base_url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
        let plain_here = base_url.starts_with("http://") && host.as_deref().is_some_and(is_this_machine);
        if host.is_none() || !(base_url.starts_with("https://") || plain_here) {
            self.wrong("supplier.base_url", "a URL that begins with https:// (http:// only on this machine)");
        }
        if token.is_none() {
            self.missing("supplier.token", "where `supplier.account_sid` is set");
        }
        if settings.text("supplier.from").is_none() {
            self.missing("supplier.from", "where `supplier.account_sid` is set");
        }
        Some(Supplier {
            base_url,
            account_sid,
            token: token.unwrap_or_else(|| SecretString::new(String::new())),
            from: settings.text("supplier.from").unwrap_or_default().to_owned(),
        })
    }

    fn callback_networks(&mut self) -> Vec<IpNet> {
        let networks = self.settings.list("callbacks.networks");
        self.parsed("callbacks.networks", networks, "networks, such as 10.20.0.0/16 or fd00:1::/64")
    }

    fn sim_swap(&mut self) -> Option<SimSwap> {
        let settings = self.settings;
        let token = self.secret("sim_swap.token", "sim_swap.token_file");
        let url = settings.text("sim_swap.url")?.to_owned();
        let host = url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned));
        let plain_here = url.starts_with("http://") && host.as_deref().is_some_and(is_this_machine);
        if host.is_none() || !(url.starts_with("https://") || plain_here) {
            self.wrong("sim_swap.url", "a URL that begins with https:// (http:// only on this machine)");
        }
        if token.is_none() {
            self.missing("sim_swap.token", "where `sim_swap.url` is set");
        }
        Some(SimSwap {
            url,
            token: token.unwrap_or_else(|| SecretString::new(String::new())),
            max_age: u32::try_from(settings.number("sim_swap.max_age")).unwrap_or(240),
            gate: settings.text("sim_swap.gate") == Some("yes"),
            open_on_failure: settings.text("sim_swap.on_failure") == Some("send"),
        })
    }

    fn fido(&mut self) -> Option<Fido> {
        let files = (self.settings.path("fido.metadata_file"), self.settings.path("fido.roots_file"));
        match files {
            (Some(metadata_file), Some(roots_file)) => return Some(Fido { metadata_file, roots_file }),
            (Some(_), None) => self.missing("fido.roots_file", "where `fido.metadata_file` is set"),
            (None, Some(_)) => self.missing("fido.metadata_file", "where `fido.roots_file` is set"),
            (None, None) => {}
        }
        None
    }

    fn log(&mut self) -> Log {
        let filter = self.settings.text("log.filter").unwrap_or("info").to_owned();
        if tracing_subscriber::EnvFilter::try_new(&filter).is_err() {
            self.wrong("log.filter", "a tracing filter, such as info or info,countersign::access=warn");
        }
        let format = if self.settings.text("log.format") == Some("json") { LogFormat::Json } else { LogFormat::Text };
        Log { format, filter }
    }

    fn metrics(&mut self) -> Metrics {
        let listen = self.settings.text("metrics.listen").map(str::parse::<SocketAddr>);
        if listen.as_ref().is_some_and(Result::is_err) {
            self.wrong("metrics.listen", "an IP address with port, such as 127.0.0.1:9464");
        }
        Metrics { listen: listen.and_then(Result::ok), token: self.secret("metrics.token", "metrics.token_file") }
    }

    /// The secret that stands in the configuration or in the file that it names.
    fn secret(&mut self, key: &'static str, file_key: &'static str) -> Option<SecretString> {
        let settings = self.settings;
        let inline = settings.secret(key).cloned();
        let Some(path) = settings.path(file_key) else { return inline };
        if inline.is_some() {
            self.wrong(file_key, "left out, because the secret itself is given too");
            return inline;
        }
        match std::fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(text) if text.len() > LONGEST_SECRET => self.wrong(file_key, "a file of at most 64 KiB"),
            Ok(text) => {
                // Editors and `echo` end a file with a line break, which nobody means.
                let secret = text.trim_end_matches(['\r', '\n']);
                if !secret.is_empty() {
                    return Some(SecretString::new(secret.to_owned()));
                }
                self.wrong(file_key, "a file that isn't empty");
            }
            Err(source) => {
                let origin = settings.origin(file_key);
                self.mistakes.push(Mistake::SecretFile { origin, key: file_key, path, source });
            }
        }
        None
    }
}

fn parse_root(text: &str) -> Option<Root> {
    match text.split_once(':') {
        Some(("file", path)) if !path.is_empty() => Some(Root::File(PathBuf::from(path))),
        Some(("pkcs11", "")) => Some(Root::Token),
        _ => None,
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether this can stand in a certificate: an IP address, or labels of letters, digits and hyphens (RFC 1123 §2.1).
fn is_host_name(name: &str, wildcards: bool) -> bool {
    if name.parse::<IpAddr>().is_ok() {
        return true;
    }
    let labels = match name.strip_prefix("*.") {
        Some(_) if !wildcards => return false,
        // A pattern over a whole top-level domain is nobody's.
        Some(rest) if !rest.contains('.') => return false,
        Some(rest) => rest,
        None => name,
    };
    name.len() <= 253
        && labels.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}
