//! Where seeded databases are kept between runs: `target/bench/<tenants>-<users>-<schema>/`.
//!
//! A run works on a copy, so that each begins with the same rows and the kept one never ages.

use crate::{
    passkey::Passkey,
    population::Population,
    seed::{self, Rows},
};
use anyhow::{Context, Result, bail};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use countersign_e2e::{
    account::Account,
    postgres::{Options, Postgres},
};
use keys::{FileRoot, KeyRing};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use tokio::time::Instant;
use types::World;

/// Settings of the PostgreSQL that is measured, beside its defaults: durable, with memory for the rows in use.
const POSTGRES: &[(&str, &str)] = &[
    ("shared_buffers", "512MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("track_wal_io_timing", "on"),
];

/// A directory with the seeded databases of one population and the root key that opens them.
pub(crate) struct Place {
    directory: PathBuf,
    population: Population,
}

impl Place {
    /// The place of `population` under `base`.
    pub(crate) async fn new(base: &Path, population: Population) -> Result<Self> {
        let schema = schema_mark(base).await?;
        let directory = base.join(format!("{}-{}-{schema}", population.tenants, population.users));
        std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        Ok(Self { directory, population })
    }

    /// The root key's file.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.directory.join("root.key")
    }

    /// A path of this place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The key that all authenticators of the population sign with, PKCS#8; made when it is first asked for.
    pub(crate) fn device_key(&self) -> Result<EcdsaKeyPair> {
        self.key("device.p8")
    }

    /// The one of all passkeys.
    pub(crate) fn passkey(&self) -> Result<Passkey> {
        Ok(Passkey::new(self.key("passkey.p8")?))
    }

    fn key(&self, name: &str) -> Result<EcdsaKeyPair> {
        let path = self.path(name);
        if !path.exists() {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())?;
            std::fs::write(&path, made.as_ref())?;
        }
        Ok(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &std::fs::read(&path)?)?)
    }

    fn rows(&self) -> Result<Rows> {
        let root = FileRoot::open_or_create(&self.root_key(), &World::real())?;
        let public_key = self.device_key()?.public_key().as_ref().to_vec();
        let credential = self.passkey()?.credential()?;
        Ok(Rows::new(KeyRing::new(Arc::new(root)), public_key, credential, World::real().clock))
    }

    /// A fresh copy of the seeded SQLite database, which is made first where there is none.
    pub(crate) async fn sqlite(&self) -> Result<PathBuf> {
        let kept = self.path("seeded.db");
        if !kept.exists() {
            let making = self.path("making.db");
            remove_database(&making)?;
            let began = Instant::now();
            let path = making.to_str().context("the path is not UTF-8")?;
            drop(store::open(&format!("sqlite:{path}"), &store::Options::default()).await?);
            seed::sqlite::fill(&making, self.population, &self.rows()?)?;
            std::fs::rename(&making, &kept)?;
            crate::report::say(&format!("seeded SQLite in {:.0} s", began.elapsed().as_secs_f64()));
        }
        let work = self.path("work.db");
        remove_database(&work)?;
        std::fs::copy(&kept, &work)?;
        sync()?;
        Ok(work)
    }

    /// A fresh copy of an engine's seeded database: its server, where it has one, and its URL.
    pub(crate) async fn engine(&self, name: &str) -> Result<(Option<Postgres>, String)> {
        if name == "postgres" {
            let (server, url) = self.postgres().await?;
            return Ok((Some(server), url));
        }
        let path = self.sqlite().await?.canonicalize()?;
        Ok((None, format!("sqlite:{}", path.display())))
    }

    /// A PostgreSQL server over a fresh copy of the seeded database, which is made first where there is none; and the
    /// database's URL.
    pub(crate) async fn postgres(&self) -> Result<(Postgres, String)> {
        let settings = POSTGRES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server = Postgres::with(Options { fsync: true, settings })?;
        let data = server.data();
        let kept = self.path("seeded-postgres");
        if kept.exists() {
            server.stop()?;
            std::fs::remove_dir_all(&data)?;
            copy_directory(&kept, &data)?;
            server.restart()?;
        } else {
            let url = server.create_database("bench")?;
            let began = Instant::now();
            drop(store::open(&url, &store::Options::default()).await?);
            seed::postgres::fill(&url, self.population, &self.rows()?).await?;
            crate::report::say(&format!("seeded PostgreSQL in {:.0} s", began.elapsed().as_secs_f64()));
            server.stop()?;
            let making = self.path("making-postgres");
            if making.exists() {
                std::fs::remove_dir_all(&making)?;
            }
            copy_directory(&data, &making)?;
            std::fs::rename(&making, &kept)?;
            server.restart()?;
        }
        sync()?;
        let url = server.url();
        let (base, _) = url.rsplit_once('/').context("a URL without a database")?;
        let url = format!("{base}/bench");
        Ok((server, url))
    }
}

/// The form of the population: raised when the seeding writes other rows than before.
const FORM: &str = "4";

/// What the schema and the population are now, in eight characters: a seeded database of others is not this one.
async fn schema_mark(base: &Path) -> Result<String> {
    std::fs::create_dir_all(base).with_context(|| base.display().to_string())?;
    let path = base.join("schema.db");
    remove_database(&path)?;
    let text = path.to_str().context("the path is not UTF-8")?;
    drop(store::open(&format!("sqlite:{text}"), &store::Options::default()).await?);
    let connection = rusqlite::Connection::open(&path)?;
    let mut statement = connection.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")?;
    let steps: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, (steps.join("\n") + FORM).as_bytes());
    let mark = data_encoding::HEXLOWER.encode(hash.as_ref().get(..4).unwrap_or_default());
    drop(statement);
    drop(connection);
    remove_database(&path)?;
    Ok(mark)
}

fn remove_database(path: &Path) -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match std::fs::remove_file(Path::new(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Copies with owners and modes: PostgreSQL refuses a directory that others may read.
fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg("--").arg(from).arg(to).status()?;
    if !status.success() {
        bail!("cp -a {} {}: {status}", from.display(), to.display());
    }
    if Account::unprivileged()? != Account::Same {
        Account::unprivileged()?.own(to)?;
    }
    Ok(())
}

/// What was copied must not be written back while something is measured.
fn sync() -> Result<()> {
    let status = Command::new("sync").status()?;
    if status.success() { Ok(()) } else { bail!("sync: {status}") }
}
