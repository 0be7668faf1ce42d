//! `countersign fido …`: what is known of authenticators' models, and whether a new file is good.

use super::{Source, day};
use crate::{cli::say, config::Config, services};
use anyhow::{Context as _, bail};
use auth::METADATA;
use clap::{Args, Subcommand};
use std::{collections::BTreeMap, path::PathBuf};
use store::{PasskeyModel, Store};
use types::{Millis, World};
use webauthn::{Aaguid, Metadata};

/// Tenants that are asked for at once.
const TENANTS: i64 = 100;

/// Arguments of `fido`.
#[derive(Args)]
pub struct FidoArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Action,
}

/// What can be done.
#[derive(Subcommand)]
pub enum Action {
    /// Show the metadata that is configured, and how many passkeys of which model there are
    Show,
    /// Verify a file before it is put in place: signature, signer, and that it isn't older than what was in use
    Check {
        /// The file, as FIDO's metadata service gave it
        file: PathBuf,
    },
}

/// Does it.
///
/// # Errors
/// What is wrong with the file, or can't be read.
pub async fn run(config: &Config, arguments: FidoArgs) -> anyhow::Result<()> {
    let world = World::real();
    let fido = config.fido.as_ref().context("fido.metadata_file and fido.roots_file are not set")?;
    let source = Source::new(fido);
    let store = services::open_store(config, &world).await?;
    match arguments.command {
        Action::Show => show(&source, &store, world.now()).await,
        Action::Check { file } => {
            let (_, text) = examined(&source.of(file), &store, world.now()).await?;
            say(&text)
        }
    }
}

/// What a file holds, which must be good to be put in place; and the same in words.
pub(super) async fn examined(source: &Source, store: &Store, now: Millis) -> anyhow::Result<(Metadata, String)> {
    let metadata = source.read(now)?;
    let accepted = store.metadata_serial(METADATA).await?;
    if let Some(accepted) = accepted
        && u64::try_from(accepted.serial).is_ok_and(|no| no > metadata.serial())
    {
        bail!("{}", super::FidoError::RolledBack { serial: metadata.serial(), accepted: accepted.serial });
    }
    let in_use = accepted.map_or_else(|| "none".to_owned(), |accepted| accepted.serial.to_string());
    let overdue = if metadata.is_overdue(now) { ", overdue: fetch the next issue" } else { "" };
    let text = format!(
        "file         {}\nserial       {} (the last in use: {in_use})\nnext update  {}{overdue}\nmodels       {}\n",
        source.path().display(),
        metadata.serial(),
        day(metadata.next_update()),
        metadata.len(),
    );
    Ok((metadata, text))
}

async fn show(source: &Source, store: &Store, now: Millis) -> anyhow::Result<()> {
    let (metadata, text) = examined(source, store, now).await?;
    say(&text)?;
    for line in models(store, &metadata).await? {
        say(&line)?;
    }
    Ok(())
}

/// A line for each model of which there are passkeys, over all tenants.
pub(super) async fn models(store: &Store, metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut all: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut after = None;
    loop {
        let tenants = store.tenants(after, TENANTS).await?;
        let Some(last) = tenants.last() else { break };
        after = Some(last.id);
        for tenant in &tenants {
            for PasskeyModel { aaguid, total, suspended } in store.tenant(tenant.id).passkey_models().await? {
                let sum = all.entry(aaguid).or_default();
                *sum = (sum.0 + total, sum.1 + suspended);
            }
        }
    }
    let line = |(aaguid, (total, suspended)): (String, (i64, i64))| {
        let model: Aaguid = aaguid.parse().unwrap_or_default();
        let name = metadata.name(model).or_else(|| webauthn::provider_name(model)).unwrap_or("of no known model");
        format!("passkeys     {total}, {suspended} suspended, {aaguid} {name}\n")
    };
    Ok(all.into_iter().map(line).collect())
}
