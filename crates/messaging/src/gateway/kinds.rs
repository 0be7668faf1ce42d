//! The kinds of carrier.
//!
//! To add one: its name in [`KINDS`], and its arm in [`set_up`], which reads its own table ([`super::keys_of`]; secrets by
//! [`super::secret`]) and gives the channel under the carrier's name.

use crate::{Channel, smpp, smtp, suppliers, twilio, voice};
use std::{path::PathBuf, sync::Arc};
use types::World;

/// What carriers stand in.
#[derive(Clone)]
pub struct Surroundings {
    /// Time and chance.
    pub world: World,
    /// This server's own address as suppliers reach it (`https://…`); without one there are no receipts over HTTP.
    pub public_url: Option<String>,
    /// Where a carrier may keep files.
    pub data_dir: Option<PathBuf>,
}

/// As they stand in the file.
pub(super) const KINDS: &[&str] = &[
    "smpp", "sip", "smtp", "twilio", "vonage", "sinch", "infobip", "plivo", "bird", "sns", "http", "whatsapp",
    "telegram",
];

/// Sets a carrier up. The error is a sentence for the operator, without a value of the file in it.
pub(super) fn set_up(
    kind: &str,
    name: &str,
    keys: toml::Table,
    around: &Surroundings,
) -> Result<Arc<dyn Channel>, String> {
    match kind {
        "smpp" => smpp::from_keys(name, keys, around),
        "sip" => voice::from_keys(name, keys, around),
        "smtp" => smtp::from_keys(name, keys, around),
        "twilio" => twilio::keys::from_keys(name, keys, around),
        // All others speak HTTP; it refuses what it doesn't know.
        _ => suppliers::from_keys(kind, name, keys, around),
    }
}
