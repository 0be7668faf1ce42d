//! What can be wrong with a configuration. Every mistake is found in one go, and no message repeats a value: it might
//! be a secret.

use std::{fmt, path::PathBuf};

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// The configuration file, with the line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
        }
    }
}

/// One mistake.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file isn't TOML. The line itself isn't shown: it may hold a secret.
    #[error("{origin}: not valid TOML: {message}")]
    Syntax {
        /// The file and line.
        origin: Origin,
        /// What the parser says.
        message: String,
    },
    /// Nobody knows this key.
    #[error("{origin}: unknown key `{key}`{}", nearest.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// What stands there.
        key: String,
        /// The key that looks most like it.
        nearest: Option<&'static str>,
    },
    /// The value isn't what the key accepts.
    #[error("{origin}: `{key}` must be {expected}")]
    WrongValue {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// What it accepts.
        expected: String,
    },
    /// A key that is needed beside another isn't given.
    #[error("`{key}` is needed {because}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What needs it.
        because: &'static str,
    },
    /// A secret's file can't be read.
    #[error("{origin}: `{key}`: {}: {source}", path.display())]
    SecretFile {
        /// Where the file is named.
        origin: Origin,
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// All mistakes of a configuration.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        for mistake in &self.0 {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
