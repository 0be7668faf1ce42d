//! The message log's day keys on this machine: whether they are here, and whether they are the house's.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use keys::{DayKeys, day_keys::is_missing};
use store::Store;

use crate::config::Config;

/// The store with the day keys, if their file is here and is the house's; without them otherwise. For commands that can do their work
/// without.
///
/// # Errors
/// When the file is damaged, or the database fails.
pub async fn where_they_are(store: Store, config: &Config) -> anyhow::Result<Store> {
    let store = with_marks(store, config, false).await?;
    match open(&store, &config.keys.log_days, false).await? {
        Some(days) if store.agree_on_log_days(&days).await? => Ok(store.with_day_keys(Arc::new(days))),
        _ => Ok(store),
    }
}

/// The store with the day keys, which are made if this is the first start of the house.
///
/// # Errors
/// When the house has day keys and this machine has none or others: what it writes could be read by nobody.
pub async fn required(store: Store, config: &Config) -> anyhow::Result<Store> {
    let store = match store.mark_keys() {
        Some(_) => store,
        None => with_marks(store, config, true).await?,
    };
    if store.day_keys().is_ok() {
        return Ok(store);
    }
    let path = &config.keys.log_days;
    let shown = path.display();
    let first = !store.has_log_days().await?;
    let Some(days) = open(&store, path, first).await? else {
        bail!(
            "{shown} is missing: the message log's day keys. Copy the file from another node (mode 0600), or name it by keys.log_days. \
             If it is lost, nobody can read the sealed message log of the days until now; countersign log forget-days makes a new one"
        );
    };
    if !store.agree_on_log_days(&days).await? {
        bail!(
            "{shown} has other day keys of the message log than the other nodes: copy the file from one of them (mode 0600). If this is \
             the right one, countersign log forget-days takes it from now on"
        );
    }
    Ok(store.with_day_keys(Arc::new(days)))
}

/// The store with the keys of users' marks, which stand beside the day keys. Another node's are worth no refusal to start: only those who
/// ask this node for a user's messages of today don't find those that the other has sent.
async fn with_marks(store: Store, config: &Config, make: bool) -> anyhow::Result<Store> {
    let Some(marks) = open(&store, &marks_file(config), make).await? else { return Ok(store) };
    let marks = Arc::new(marks);
    if make {
        // Whatever lies behind us is forgotten at once, also after a night without a server.
        let (marks, world) = (Arc::clone(&marks), store.world().clone());
        let advanced = tokio::task::spawn_blocking(move || marks.advance(world.now().day(), &world));
        advanced.await?.context("the keys of users' marks in the message log")?;
    }
    Ok(store.with_mark_keys(marks))
}

/// Where the keys of users' marks stand.
fn marks_file(config: &Config) -> PathBuf {
    config.keys.log_days.with_file_name("log-marks.key")
}

async fn open(store: &Store, path: &Path, make: bool) -> anyhow::Result<Option<DayKeys>> {
    let (ring, world, file) = (store.ring().clone(), store.world().clone(), path.to_owned());
    // A root key in a token is asked over a bus or a network.
    let opened = tokio::task::spawn_blocking(move || match make {
        true => DayKeys::open_or_create(&file, &ring, &world),
        false => DayKeys::open(&file, &ring),
    });
    match opened.await? {
        Ok(days) => Ok(Some(days)),
        Err(error) if is_missing(&error) && !make => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the message log's day keys in {}", path.display())),
    }
}
