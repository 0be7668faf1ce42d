//! The table of a carrier of kind `smpp`.

use super::Smpp;
use crate::{Channel, Surroundings, gateway};
use serde::Deserialize;
use smpp::{Alphabet, Concatenation, Config, Mode, Numbering, ReceiptIds, Tls, Validity};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    security: Security,
    /// What stands in the SMSC's certificate, if it isn't `host`.
    tls_name: Option<String>,
    /// Certificates (PEM) of the authorities that may have signed the SMSC's; the system's where nothing is said.
    ca_file: Option<PathBuf>,
    /// Our own certificate and key (PEM), where the SMSC asks for one.
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    system_id: String,
    password: Option<String>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    system_type: String,
    #[serde(default)]
    service_type: String,
    #[serde(default)]
    mode: Mode,
    /// The sender: a number, a short code, or a name of at most 11 characters.
    from: String,
    /// Whether a message may name another sender.
    #[serde(default)]
    any_sender: bool,
    #[serde(default = "window")]
    window: u16,
    per_second: Option<u32>,
    #[serde(default = "enquire_link")]
    enquire_link_seconds: u64,
    #[serde(default = "response")]
    response_seconds: u64,
    #[serde(default)]
    concatenation: Concatenation,
    #[serde(default)]
    alphabet: Alphabet,
    #[serde(default = "yes")]
    receipts: bool,
    #[serde(default)]
    receipt_ids: ReceiptIds,
    #[serde(default)]
    unmarked_receipts: bool,
    #[serde(default)]
    validity: Validity,
    source: Option<Numbering>,
    #[serde(default = "international")]
    destination: Numbering,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
enum Security {
    #[default]
    Tls,
    /// The operator says that the way is protected by other means: a VPN, a leased line.
    Tunnel,
    /// In clear: to this machine only.
    Plain,
}

const fn window() -> u16 {
    10
}

const fn enquire_link() -> u64 {
    30
}

const fn response() -> u64 {
    5
}

const fn yes() -> bool {
    true
}

const fn international() -> Numbering {
    Numbering { ton: 1, npi: 1 }
}

/// Sets the carrier up.
pub(crate) fn from_keys(name: &str, keys: toml::Table, around: &Surroundings) -> Result<Arc<dyn Channel>, String> {
    let keys: Keys = gateway::keys_of(keys)?;
    let within = |key: &str, value: u64, most: u64| {
        if (1..=most).contains(&value) { Ok(()) } else { Err(format!("`{key}` must be 1 to {most}")) }
    };
    within("window", keys.window.into(), 1_000)?;
    within("per_second", keys.per_second.unwrap_or(1).into(), 100_000)?;
    within("enquire_link_seconds", keys.enquire_link_seconds, 3_600)?;
    // Half a minute is what a channel has for a message, of which waiting for its turn takes a part.
    within("response_seconds", keys.response_seconds, 10)?;
    for (key, text, most) in [
        ("system_id", &keys.system_id, 15),
        ("system_type", &keys.system_type, 12),
        ("service_type", &keys.service_type, 5),
        ("from", &keys.from, 20),
    ] {
        if text.len() > most || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(format!("`{key}` has at most {most} ASCII characters"));
        }
    }
    if keys.from.is_empty() {
        return Err("`from` must say who sends".to_owned());
    }
    let password = gateway::secret("password", keys.password.clone(), keys.password_file.as_deref())?;
    let password = password.ok_or("`password` or `password_file` is missing")?;
    let tls = tls(&keys)?;
    let port = keys.port.unwrap_or(if tls.is_some() { 3550 } else { 2775 });
    let config = Config {
        tls,
        system_type: keys.system_type,
        service_type: keys.service_type,
        mode: keys.mode,
        window: keys.window,
        per_second: keys.per_second,
        enquire_link: Duration::from_secs(keys.enquire_link_seconds),
        response: Duration::from_secs(keys.response_seconds),
        concatenation: keys.concatenation,
        alphabet: keys.alphabet,
        ids: keys.receipt_ids,
        unmarked_receipts: keys.unmarked_receipts,
        validity: keys.validity,
        source: keys.source,
        destination: keys.destination,
        ..Config::new(keys.host, port, keys.system_id, password)
    };
    Ok(Arc::new(Smpp {
        name: name.to_owned(),
        config,
        from: keys.from,
        any_sender: keys.any_sender,
        receipts: keys.receipts,
        world: around.world.clone(),
        client: OnceLock::new(),
    }))
}

fn tls(keys: &Keys) -> Result<Option<Tls>, String> {
    let here = keys.host == "localhost" || keys.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    match keys.security {
        Security::Tls => {}
        Security::Tunnel => return Ok(None),
        Security::Plain if here => return Ok(None),
        Security::Plain => {
            return Err("`security = \"plain\"` is for an SMSC on this machine only; where a VPN protects the way, \
                        say \"tunnel\""
                .to_owned());
        }
    }
    let read = |key: &str, path: &Option<PathBuf>| {
        path.as_deref().map(|path: &Path| std::fs::read(path).map_err(|error| format!("`{key}`: {error}"))).transpose()
    };
    let authorities = read("ca_file", &keys.ca_file)?;
    let certificates = read("certificate_file", &keys.certificate_file)?;
    let key = gateway::secret("key", None, keys.key_file.as_deref())?;
    let identity = match (&certificates, &key) {
        (Some(certificates), Some(key)) => Some((certificates.as_slice(), key)),
        (None, None) => None,
        _ => return Err("`certificate_file` and `key_file` belong together".to_owned()),
    };
    let name = keys.tls_name.as_deref().unwrap_or(&keys.host);
    Tls::new(name, authorities.as_deref(), identity).map(Some).map_err(|error| error.to_string())
}
