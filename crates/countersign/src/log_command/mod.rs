//! `countersign log`: the message log, read where the organisation's private key is.
//!
//! The key is made and kept by the organisation; the server has the public half. Rows come from the database of this machine, or
//! through the Admin API of a running server, and are opened here: the private key goes nowhere.

mod keygen;
mod output;
mod source;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use keys::TenantPrivateKey;
use messaging::log::LogReader;
use types::{Millis, SecretString, World};

use crate::{
    cli::{runtime, say},
    config::Config,
    services::open_store,
    telemetry,
};
use output::Output;
use source::Source;

/// Arguments of `log`.
#[derive(Args)]
pub struct LogArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with the message log.
#[derive(Subcommand)]
pub enum Action {
    /// Make a key pair. The server needs the public key only: set it by `countersign admin tenant log-key set`
    Keygen {
        /// A new file for the private key, for its owner's eyes. Without it both keys are printed, the private one first
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the messages of a period, in the order in which they were sent
    Read {
        /// Where from, and with which key
        #[command(flatten)]
        from: Reading,
        /// Show the last so many
        #[arg(long, default_value_t = 100, value_name = "ROWS")]
        last: usize,
    },
    /// Write all messages of a period to a file, day by day; within a day they stand in no order
    Export {
        /// Where from, and with which key
        #[command(flatten)]
        from: Reading,
        /// The form
        #[arg(long, default_value = "csv")]
        format: Format,
        /// The new file, for its owner's eyes; standard output if not given
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take this machine's day keys for the house's from now on: where the others are lost for good, with all that was sealed until now
    ForgetDays,
}

/// The form of an export.
#[derive(Clone, Copy, ValueEnum)]
pub enum Format {
    /// Comma-separated values with a line of names (RFC 4180)
    Csv,
    /// One JSON object on each line
    Jsonl,
}

/// Which messages, from where, with which key.
#[derive(Args)]
pub struct Reading {
    /// A file with the private key (cssec1…); several where the key was changed meanwhile
    #[arg(long, required = true, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// From this day or moment on (2026-11-01, 2026-11-01T08:00:00Z, in UTC); the last 24 hours if not given
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Up to, not including, this day or moment; until now if not given
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only messages to this user: a user name, or an id (DU…)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The tenant, by its id or host name; not needed where there is one
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Read through the Admin API of the server behind this host instead of this machine's database
    #[arg(long, value_name = "HOST", requires_all = ["ikey", "skey_file", "tenant"])]
    pub api: Option<String>,
    /// The integration key of an Admin API integration that may read logs
    #[arg(long, value_name = "IKEY", requires = "api")]
    pub ikey: Option<String>,
    /// A file with its secret key
    #[arg(long, value_name = "FILE", requires = "api")]
    pub skey_file: Option<PathBuf>,
    /// The certificate authority of that server, in PEM, where the system's doesn't know it
    #[arg(long, value_name = "FILE", requires = "api")]
    pub ca: Option<PathBuf>,
}

const DAY: i64 = 86_400_000;

/// Does it. A configuration is needed only where this machine's database is.
///
/// # Errors
/// What went wrong, for whoever asked.
pub fn run(config: Option<&Path>, arguments: LogArgs) -> anyhow::Result<()> {
    let world = World::real();
    match arguments.action {
        Action::Keygen { out } => keygen::run(out.as_deref(), &world),
        Action::Read { from, last } => runtime()?.block_on(async {
            let mut shown = output::Table::new(last);
            read(config, &from, &world, &mut shown).await?;
            shown.print()
        }),
        Action::Export { from, format, out } => runtime()?.block_on(async {
            let mut written = output::File::new(format, out.as_deref())?;
            read(config, &from, &world, &mut written).await?;
            written.finish()
        }),
        Action::ForgetDays => runtime()?.block_on(async {
            let config = Config::load(config)?;
            telemetry::start(&config.log)?;
            let store = open_store(&config, &world).await?;
            store.forget_log_days().await?;
            say("the next server that starts says which day keys of the message log count; restart all servers\n")
        }),
    }
}

async fn read(config: Option<&Path>, reading: &Reading, world: &World, out: &mut dyn Output) -> anyhow::Result<()> {
    let now = world.now();
    let to = reading.to.as_deref().map_or(Ok(Millis(now.0 + 1)), moment)?;
    let from = reading.from.as_deref().map_or(Ok(Millis(to.0 - DAY)), moment)?;
    if from >= to {
        bail!("--from is not before --to");
    }
    let keys = reading.key.iter().map(|path| private_key(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut source = match &reading.api {
        Some(host) => Source::api(host, reading, world.clone())?,
        None => {
            let config = Config::load(config)?;
            telemetry::start(&config.log)?;
            Source::store(open_store(&config, world).await?, reading.tenant.as_deref()).await?
        }
    };
    let mut reader = LogReader::new(source.tenant(), keys);
    source.prove(&mut reader, from, to).await?;
    source.begin(from, to, reading.user.as_deref()).await?;
    while let Some(page) = source.next().await? {
        // Rows come in the order of their days: what earlier days needed is needed no more.
        if let Some(first) = page.rows.first() {
            reader.forget_before(first.day);
        }
        for segment in &page.segments {
            reader.add_segment(segment.id, segment.day, segment.header.as_deref());
        }
        let opened = tokio::task::block_in_place(|| reader.open_rows(&page.rows));
        for (row, opened) in page.rows.into_iter().zip(opened) {
            // In clear only the day is known; and of days before today, nobody but us can say whose a message was.
            let within = opened.as_ref().map_or(true, |opened| {
                let theirs = page.user.is_none_or(|user| opened.user() == Some(user));
                opened.at() >= from && opened.at() < to && theirs && !opened.is_canary()
            });
            if within {
                let user = match opened.as_ref().ok().and_then(messaging::log::Opened::user) {
                    Some(user) => source.name(user).await?,
                    None => String::new(),
                };
                out.row(output::Line { row, opened, user })?;
            }
        }
    }
    Ok(())
}

/// A day or a moment, in UTC where it doesn't say.
fn moment(text: &str) -> anyhow::Result<Millis> {
    let said = || format!("{text} is no time: 2026-11-01 or 2026-11-01T08:00:00Z");
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Millis(at.as_millisecond()));
    }
    let date: jiff::civil::DateTime = text.parse().with_context(said)?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).with_context(said)?;
    Ok(Millis(at.timestamp().as_millisecond()))
}

fn private_key(path: &Path) -> anyhow::Result<TenantPrivateKey> {
    let shown = path.display();
    let text = SecretString::new(std::fs::read_to_string(path).with_context(|| shown.to_string())?);
    // The file may hold the public key too, and remarks.
    let line = text.expose().lines().map(str::trim).find(|line| line.to_ascii_lowercase().starts_with("cssec1"));
    let line = SecretString::new(line.with_context(|| format!("{shown} holds no private key (cssec1…)"))?.to_owned());
    TenantPrivateKey::from_text(&line).with_context(|| shown.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(moment("2026-11-14").unwrap(), Millis(1_794_614_400_000));
        assert_eq!(moment("2026-11-14T10:20:30").unwrap(), Millis(1_794_651_630_000));
        assert_eq!(moment("2026-11-14T10:20:30+01:00").unwrap(), Millis(1_794_648_030_000));
        for bad in ["", "yesterday", "2026-13-01", "14.11.2026"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
