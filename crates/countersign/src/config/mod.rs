//! The configuration: one TOML file, overridden by the environment, sane without either.
//!
//! [`keys`] lists every key; [`settings`] reads the file and the environment against that list; [`check`] makes the
//! typed [`Config`] and reads the secrets' files; [`print`] shows what holds and writes the reference. Nothing here
//! keeps a global: the [`Config`] is handed down.
//!
//! It never shows a secret or a wrong value, and never ignores a key that it doesn't know.

use std::path::{Path, PathBuf};

mod check;
pub mod error;
pub mod keys;
pub mod print;
pub mod sections;
pub mod settings;
pub mod value;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, Mistake};
pub use sections::{
    Acme, Config, Fido, Keys, Limits, Log, LogFormat, Metrics, Root, Server, Smtp, SmtpSecurity, Store, StoreUrl,
    Supplier, TlsMode, Token, Web,
};
pub use settings::Settings;

/// The file that is read when none is named, if it exists.
pub const SYSTEM_FILE: &str = "/etc/countersign/countersign.toml";

/// Reads the values that hold: `file`, or else [`SYSTEM_FILE`] if it exists, and the process's environment over it.
///
/// # Errors
/// Every mistake in either.
pub fn read(file: Option<&Path>) -> Result<Settings, ConfigError> {
    let system = PathBuf::from(SYSTEM_FILE);
    let file = file.or_else(|| system.exists().then_some(system.as_path()));
    // A name or value that isn't Unicode is none of ours; std::env::vars would panic on it.
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.into_string().ok()?))
    });
    Settings::read(file, environment)
}

impl Config {
    /// Makes the typed configuration.
    ///
    /// # Errors
    /// Every value that means nothing, every secret that can't be read, every key that is missing beside another.
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        check::check(settings)
    }

    /// Reads and makes it in one go.
    ///
    /// # Errors
    /// As [`read`] and [`Config::from_settings`].
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::from_settings(&read(file)?)
    }
}
