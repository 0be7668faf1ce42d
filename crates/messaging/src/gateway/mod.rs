//! The gateway file: the carriers, how each is reached, and the routes over them. TOML.
//!
//! ```toml
//! [carriers.main]
//! kind = "smpp"
//! receipt_seconds = 30       # of every kind: so long a code's receipt is waited for; without it as long as is usual there, at most 9
//! # … and the keys of that kind
//!
//! [[routes]]
//! kind = "sms"
//! prefixes = ["49", "1", "262:01"]   # digits, or the network that gave the number out; none for everything
//! carriers = ["main", "spare"]       # in this order
//! cost = 0.07
//! per_second = 100
//! then = "voice"                     # codes only: when nobody here has brought it
//! ```
//!
//! A kind of carrier is added in [`kinds`].

mod kinds;

pub use kinds::Surroundings;

use crate::{
    Channel, ChannelKind,
    routing::{Prefix, Route, Table},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};
use types::SecretString;

/// The longest name of a carrier.
const MAX_NAME: usize = 32;

/// Why a gateway file is not taken. No text quotes the file's values: there are passwords among them.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It can't be read.
    #[error("the gateway file can't be read: {0}")]
    Read(#[source] std::io::Error),
    /// It is no TOML, or a key is unknown or of another type.
    #[error("the gateway file, line {line}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A carrier's table is wrong, or it can't be set up.
    #[error("the gateway file, carrier {carrier}: {message}")]
    Carrier {
        /// Its name.
        carrier: String,
        /// What is wrong.
        message: String,
    },
    /// A route is wrong.
    #[error("the gateway file, route {route}: {message}")]
    Route {
        /// From 1, in the file's order.
        route: usize,
        /// What is wrong.
        message: String,
    },
}

/// A gateway file that was read; nothing is set up yet.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gateway {
    /// The carriers, by name.
    carriers: BTreeMap<String, Described>,
    /// The routes.
    table: Table,
}

/// A carrier as it is described. `Debug` shows none of its keys: some are secrets.
#[derive(Clone, PartialEq)]
struct Described {
    kind: String,
    receipt: Option<Duration>,
    /// The keys of its kind.
    keys: toml::Table,
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A carrier that is set up.
#[derive(Clone)]
pub struct Carrier {
    /// The way out.
    pub channel: Arc<dyn Channel>,
    /// So long the receipt of a code is waited for, from when the carrier is shown it; `None`: as long as is usual there, at most nine
    /// seconds (for a call, as long as telephones ring).
    pub receipt: Option<Duration>,
    /// What it was set up from, and what stood in the files that it names; nothing where it came from elsewhere.
    described: Option<(Described, Files)>,
}

impl Carrier {
    /// A carrier that no file describes.
    #[must_use]
    pub fn new(channel: Arc<dyn Channel>) -> Self {
        Self { channel, receipt: None, described: None }
    }

    /// Whether the gateway file describes it.
    #[must_use]
    pub const fn is_described(&self) -> bool {
        self.described.is_some()
    }

    /// Waits so long for a receipt.
    #[must_use]
    pub const fn waiting(mut self, receipt: Duration) -> Self {
        self.receipt = Some(receipt);
        self
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    carriers: BTreeMap<String, toml::Table>,
    #[serde(default)]
    routes: Vec<RouteTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteTable {
    kind: String,
    #[serde(default)]
    prefixes: Vec<String>,
    carriers: Vec<String>,
    #[serde(default)]
    cost: f64,
    per_second: Option<u32>,
    then: Option<String>,
}

impl Gateway {
    /// Reads the file at `path`.
    pub fn open(path: &Path) -> Result<Self, GatewayError> {
        Self::read(&std::fs::read_to_string(path).map_err(GatewayError::Read)?)
    }

    /// Reads the file's text.
    pub fn read(text: &str) -> Result<Self, GatewayError> {
        let file: File = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        let carriers = file
            .carriers
            .into_iter()
            .map(|(name, keys)| Ok((name.clone(), described(&name, keys)?)))
            .collect::<Result<BTreeMap<_, _>, GatewayError>>()?;
        let routes = file.routes.into_iter().enumerate().map(|(at, table)| {
            route(table, &carriers).map_err(|message| GatewayError::Route { route: at + 1, message })
        });
        let table = Table { routes: routes.collect::<Result<_, _>>()? };
        Ok(Self { carriers, table })
    }

    /// The routes.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// The carriers' names and kinds.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.carriers.iter().map(|(name, described)| (name.as_str(), described.kind.as_str()))
    }

    /// Sets the carriers up. One that `standing` has already, and that is described as it was, the content of the files that it names
    /// included, stays as it is with its connections.
    pub fn set_up(&self, standing: &[Carrier], around: &Surroundings) -> Result<Vec<Carrier>, GatewayError> {
        let made = self.carriers.iter().map(|(name, described)| {
            let files = files(&described.keys);
            let same = |carrier: &&Carrier| {
                let told = carrier.described.as_ref();
                carrier.channel.name() == name
                    && told.is_some_and(|(old, read)| {
                        old.keys == described.keys && old.kind == described.kind && *read == files
                    })
            };
            let channel = match standing.iter().find(same) {
                Some(carrier) => Arc::clone(&carrier.channel),
                None => kinds::set_up(&described.kind, name, described.keys.clone(), around)
                    .map_err(|message| GatewayError::Carrier { carrier: name.clone(), message })?,
            };
            Ok(Carrier { channel, receipt: described.receipt, described: Some((described.clone(), files)) })
        });
        let made: Vec<Carrier> = made.collect::<Result<_, GatewayError>>()?;
        for (at, route) in self.table.routes.iter().enumerate() {
            for name in &route.carriers {
                let carries = made.iter().any(|it| it.channel.name() == name && it.channel.carries(route.kind));
                if !carries {
                    let message = format!("{name} doesn't carry {}", route.kind.as_str());
                    return Err(GatewayError::Route { route: at + 1, message });
                }
            }
        }
        Ok(made)
    }
}

/// What stands in the files that a carrier names, as digests: among them are passwords.
type Files = Vec<Option<[u8; 32]>>;

fn files(keys: &toml::Table) -> Files {
    let named = keys.iter().filter(|(key, _)| key.ends_with("_file")).filter_map(|(_, value)| value.as_str());
    // What can't be read is an error where it is needed.
    let digest = |path: &str| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &std::fs::read(path).ok()?);
        digest.as_ref().try_into().ok()
    };
    named.map(digest).collect()
}

fn described(name: &str, mut keys: toml::Table) -> Result<Described, GatewayError> {
    let wrong = |message: &str| GatewayError::Carrier { carrier: shown(name), message: message.to_owned() };
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(right) {
        return Err(wrong("a name has at most 32 letters, digits, - and _"));
    }
    let Some(toml::Value::String(kind)) = keys.remove("kind") else { return Err(wrong("`kind` is missing")) };
    if !kinds::KINDS.contains(&kind.as_str()) {
        return Err(wrong(&format!("`kind` must be one of {}", kinds::KINDS.join(", "))));
    }
    let receipt = match keys.remove("receipt_seconds") {
        None => None,
        Some(toml::Value::Integer(seconds @ 1..=3_600)) => Some(Duration::from_secs(seconds.unsigned_abs())),
        Some(_) => return Err(wrong("`receipt_seconds` must be 1 to 3600")),
    };
    Ok(Described { kind, receipt, keys })
}

fn route(table: RouteTable, carriers: &BTreeMap<String, Described>) -> Result<Route, String> {
    let kind = |name: &str| {
        ChannelKind::of(name).ok_or_else(|| "`kind` must be sms, voice, email, whatsapp or telegram".to_owned())
    };
    if !table.prefixes.iter().all(|prefix| Prefix::read(prefix).is_some()) {
        return Err("a prefix is digits without +, or mcc:mnc".to_owned());
    }
    if table.carriers.is_empty() {
        return Err("`carriers` names nobody".to_owned());
    }
    if let Some(name) = table.carriers.iter().find(|name| !carriers.contains_key(*name)) {
        return Err(format!("there is no carrier {}", shown(name)));
    }
    if !table.cost.is_finite() || table.cost < 0.0 {
        return Err("`cost` must not be negative".to_owned());
    }
    if table.per_second == Some(0) {
        return Err("`per_second` must be 1 or more; to stop a carrier, cut it".to_owned());
    }
    let route = Route {
        kind: kind(&table.kind)?,
        prefixes: table.prefixes,
        carriers: table.carriers,
        cost: table.cost,
        per_second: table.per_second,
        then: table.then.as_deref().map(kind).transpose()?,
    };
    match (route.kind, route.then) {
        (_, None) | (ChannelKind::Sms, Some(ChannelKind::Voice)) => Ok(route),
        (ChannelKind::WhatsApp | ChannelKind::Telegram, Some(ChannelKind::Sms | ChannelKind::Voice)) => Ok(route),
        _ => Err("`then` must be voice after sms, or sms or voice after a messenger".to_owned()),
    }
}

/// A name as it may stand in an error.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

fn syntax(text: &str, error: &toml::de::Error) -> GatewayError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    GatewayError::Syntax { line: before.matches('\n').count() + 1, message: message(error) }
}

/// The reason without the line that it is about, which may hold a password.
fn message(error: &toml::de::Error) -> String {
    let message = error.message().lines().next().unwrap_or_default();
    // What was found instead is the file's value.
    let of_value = message.starts_with("invalid ") || message.starts_with("unknown variant ");
    match message.rsplit_once(", expected ").filter(|_| of_value) {
        Some((_, expected)) => format!("expected {expected}"),
        None if of_value => "a value is malformed".to_owned(),
        None => message.to_owned(),
    }
}

/// The table of a carrier as the type of its kind; the error names the key and never its value.
pub(crate) fn keys_of<T: serde::de::DeserializeOwned>(keys: toml::Table) -> Result<T, String> {
    toml::Value::Table(keys).try_into().map_err(|error| message(&error))
}

/// A secret, given plainly or in a file whose last line end doesn't count. `Ok(None)` where there is neither.
pub(crate) fn secret(name: &str, plain: Option<String>, file: Option<&Path>) -> Result<Option<SecretString>, String> {
    match (plain, file) {
        (Some(_), Some(_)) => Err(format!("`{name}` and `{name}_file` exclude each other")),
        (Some(plain), None) => Ok(Some(SecretString::new(plain))),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(SecretString::new(text.trim_end_matches(['\r', '\n']).to_owned()))),
            Err(error) => Err(format!("`{name}_file`: {error}")),
        },
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
