//! The table of a carrier of kind `smtp`.

use super::{Smtp, SmtpConfig, SmtpSecurity};
use crate::{Channel, Surroundings, gateway};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    security: Security,
    from: String,
    user: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    /// Certificates of an authority beside the public ones, PEM.
    ca_file: Option<PathBuf>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
enum Security {
    #[default]
    StartTls,
    Tls,
    Plain,
}

/// Sets the carrier up.
pub(crate) fn from_keys(name: &str, keys: toml::Table, around: &Surroundings) -> Result<Arc<dyn Channel>, String> {
    let keys: Keys = gateway::keys_of(keys)?;
    let password = gateway::secret("password", keys.password, keys.password_file.as_deref())?;
    let sign_in = match (keys.user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => return Err("`user` and `password` belong together".to_owned()),
    };
    let authority = keys.ca_file.map(std::fs::read).transpose().map_err(|error| format!("`ca_file`: {error}"))?;
    let (security, port) = match keys.security {
        Security::StartTls => (SmtpSecurity::StartTls, 587),
        Security::Tls => (SmtpSecurity::Tls, 465),
        Security::Plain => (SmtpSecurity::Plain, 25),
    };
    let port = keys.port.unwrap_or(port);
    let config = SmtpConfig { host: keys.host, port, security, sign_in, from: keys.from, authority };
    let smtp = Smtp::new(config, around.world.clone()).map_err(|error| error.to_string())?;
    Ok(Arc::new(smtp.named(name)))
}
