//! `countersign backup` and `countersign restore`.
//!
//! A backup is one tar file: `manifest.json` with the hash of each other file, the database, and, only when asked for, the root key and
//! the own certificate authority. Without the root key, whoever finds it reads names and logs, but no number, seed, secret or code.
//!
//! SQLite is copied in one snapshot by a process of its own, while another serves; PostgreSQL's own `pg_dump` and `pg_restore` do the
//! work there. A restore never takes the place of anything unless told to, and then keeps what was there. What was used up since the
//! backup can't be known; what can be made safe is ([`store::Tx::void_after_restore`]).

mod archive;
mod postgres;
mod restore;

pub use restore::{RestoreArgs, restore};

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    /// Reads any bytes as a backup, and puts nothing anywhere. Whether they were one.
    #[must_use]
    pub fn is_backup(bytes: &[u8]) -> bool {
        super::archive::read_from(bytes, |_, _| Ok(None)).is_ok()
    }
}

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use keys::FileRoot;
use serde::{Deserialize, Serialize};
use store::sqlite_file;
use types::{Millis, World};

use self::archive::{Source, Stored};
use crate::{
    cli::say,
    config::{Config, Root, StoreUrl, TlsMode},
    services,
};

/// Arguments of `backup`.
#[derive(Args)]
pub struct BackupArgs {
    /// The file to write, which must not be there
    pub file: PathBuf,
    /// Put the root key, and the own certificate authority, into it: whoever has the file then reads everything
    #[arg(long)]
    pub with_root_key: bool,
}

/// What is in a backup.
#[derive(Serialize, Deserialize)]
struct Manifest {
    /// The layout of the file.
    format: u32,
    /// When it was begun, in Unix milliseconds: what was acknowledged before is in it.
    made: i64,
    /// The program that wrote it.
    program: String,
    /// `sqlite` or `postgres`.
    engine: String,
    /// The root keys that it needs; empty where that is found out on restoring.
    roots: Vec<String>,
    /// The other files, in their order.
    files: Vec<Stored>,
}

const FORMAT: u32 = 1;
const SQLITE: &str = "sqlite";
const POSTGRES: &str = "postgres";
/// The names in the tar file.
const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "database";
const ROOT_KEY: &str = "root.key";
const CA: &str = "tls/ca.pem";
const CA_KEY: &str = "tls/ca.key";

/// A file that is removed when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    /// Beside `path`, so that it can be moved to it.
    fn beside(path: &Path, word: &str) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.{word}", std::process::id()));
        Self(path.with_file_name(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(end);
            let _ = fs::remove_file(path);
        }
    }
}

/// For people: UTC, to the second.
fn time(at: Millis) -> String {
    jiff::Timestamp::from_second(at.seconds()).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}

/// Writes a backup.
///
/// # Errors
/// What kept it from being written. There is no file then.
pub async fn backup(config: &Config, arguments: BackupArgs) -> anyhow::Result<()> {
    let (file, config) = (std::path::absolute(&arguments.file)?, config.clone());
    if file.exists() {
        bail!("{} is there already", file.display());
    }
    let work = tokio::task::spawn_blocking(move || write(&config, &file, arguments.with_root_key));
    let done = work.await?;
    say(&done?)
}

fn write(config: &Config, file: &Path, with_root_key: bool) -> anyhow::Result<String> {
    let made = World::real().now();
    let database = Temporary::beside(file, "database");
    let mut manifest = Manifest {
        format: FORMAT,
        made: made.0,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        engine: String::new(),
        roots: Vec::new(),
        files: Vec::new(),
    };
    // Made first, so that what is copied into it is never for others' eyes.
    archive::create(&database.0)?;
    match &config.store.url {
        StoreUrl::Sqlite(path) => {
            SQLITE.clone_into(&mut manifest.engine);
            fs::remove_file(&database.0)?;
            sqlite_file::copy(path, &database.0).with_context(|| path.display().to_string())?;
            archive::make_private(&database.0)?;
            let content = sqlite_file::examine(&database.0)?;
            if let Some(damage) = content.damage.first() {
                bail!("the database is damaged, so no backup was made: {damage}");
            }
            manifest.roots = content.roots;
        }
        StoreUrl::Postgres { .. } => {
            POSTGRES.clone_into(&mut manifest.engine);
            postgres::Server::of(&services::url(&config.store.url), config.store.ca_file.as_deref())?
                .dump(&database.0)?;
        }
    }
    let mut sources = vec![Source { name: DATABASE, path: database.0.clone() }];
    let mut notes = String::new();
    if with_root_key {
        sources.extend(secrets(config, &manifest.roots, &mut notes)?);
    }
    let bytes = archive::write(file, manifest, &sources)?;
    let megabytes = bytes.div_ceil(100_000);
    let (whole, tenth) = (megabytes / 10, megabytes % 10);
    let mut said = format!("{}: {whole}.{tenth} MB, all that was acknowledged before {}\n", file.display(), time(made));
    said.push_str(if with_root_key {
        "It holds the root key: whoever has this file reads every number and every seed. Keep it as you keep the key.\n"
    } else {
        "The root key is not in it, and nothing can be restored without: keep a copy of the key elsewhere.\n"
    });
    said.push_str(&notes);
    Ok(said)
}

/// The root-key file and the own authority.
fn secrets(config: &Config, needed: &[String], notes: &mut String) -> anyhow::Result<Vec<Source>> {
    let Root::File(path) = &config.keys.root else {
        bail!("the root key is in a PKCS#11 token and can't leave it: back the token up by its own means");
    };
    let there: Vec<String> = FileRoot::open(path)?.keys().into_iter().map(|(id, _)| id).collect();
    for root in needed.iter().filter(|root| !there.contains(root)) {
        notes.push_str(&format!("Also needed, and not in it: the older root key {root}.\n"));
    }
    let mut sources = vec![Source { name: ROOT_KEY, path: path.clone() }];
    if let TlsMode::OwnCa { dir } = &config.tls {
        for (name, path) in [(CA, dir.join("ca.pem")), (CA_KEY, dir.join("ca.key"))] {
            if path.exists() {
                sources.push(Source { name, path });
            }
        }
    }
    Ok(sources)
}
