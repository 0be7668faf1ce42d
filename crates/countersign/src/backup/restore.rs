//! `countersign restore`.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use keys::{FileRoot, KeyError, KeyRing, RootKey};
use messaging::house;
use store::{Store, sqlite_file};
use types::{Millis, Random, SecretBytes, TenantId, World};

use super::{CA, CA_KEY, DATABASE, Manifest, POSTGRES, ROOT_KEY, SQLITE, archive, archive::Unpacked, postgres, time};
use crate::{
    cli::say,
    config::{Config, Root, StoreUrl, TlsMode},
    services,
};

/// Arguments of `restore`.
#[derive(Args)]
pub struct RestoreArgs {
    /// The backup
    pub file: PathBuf,
    /// Put it in the place of a database that is there; the old one is kept beside it (SQLite) or lost (PostgreSQL)
    #[arg(long)]
    pub force: bool,
}

/// Tenants that are made safe at once: their transactions are committed together.
const AT_ONCE: usize = 256;
const PAGE: i64 = 1000;

/// Restores a backup into the places that the configuration names.
///
/// # Errors
/// What kept it from being restored. Nothing was changed then, but for an old SQLite database that was moved aside and is named.
pub async fn restore(config: &Config, arguments: RestoreArgs) -> anyhow::Result<()> {
    let world = World::real();
    if !arguments.force {
        refuse_to_overwrite(config)?;
    }
    make_dir(&config.data_dir)?;
    let (file, settings) = (arguments.file.clone(), config.clone());
    let read =
        tokio::task::spawn_blocking(move || archive::read(&file, |manifest, name| place(&settings, manifest, name)));
    let (manifest, unpacked) = read.await??;
    let (mut database, mut others) = (None, Vec::new());
    for (name, one) in unpacked {
        if name == DATABASE { database = Some(one) } else { others.push((name, one)) }
    }
    let database = database.context("the backup holds no database")?;
    let mut said = String::new();
    let found = match &config.store.url {
        StoreUrl::Sqlite(_) => sqlite(database, &world, &mut said).await?,
        StoreUrl::Postgres { .. } => {
            let url = services::url(&config.store.url);
            let server = postgres::Server::of(&url, config.store.ca_file.as_deref())?;
            if !arguments.force && server.is_taken()? {
                bail!(
                    "the database at store.url holds Countersign's tables already; --force puts the backup in their place"
                );
            }
            server.restore(database.path())?;
            make_safe(&url, &services::options(config), &world).await?
        }
    };
    for (name, one) in others {
        put(one, &name, &mut said)?;
    }
    said = format!("restored {} tenants as of {}\n{said}", found.tenants, time(Millis(manifest.made)));
    said.push_str(
        "Used up or void now: every TOTP code up to this moment, passcodes that were sent, activation codes, remembered devices.\n\
         May be accepted once more, if used after the backup: codes of HOTP tokens and YubiKeys, bypass codes. Undone: every change \
         since, also what was disabled, deleted or revoked.\n",
    );
    said.push_str(&keys_needed(config, &found.roots));
    say(&said)
}

fn refuse_to_overwrite(config: &Config) -> anyhow::Result<()> {
    let StoreUrl::Sqlite(path) = &config.store.url else { return Ok(()) };
    if path.exists() {
        bail!("{} is there already; --force keeps it beside and puts the backup in its place", path.display());
    }
    // A root key and settings may have been put here first. Anything else is somebody's.
    let expected = ["root.key", "log-days.key", "log-marks.key", "tls", "acme", "countersign.toml"];
    let entries = match fs::read_dir(&config.data_dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| config.data_dir.display().to_string())?,
    };
    for entry in entries {
        let name = entry?.file_name();
        if !expected.iter().any(|expected| name == *expected) {
            bail!("{} is not empty ({}); --force restores into it", config.data_dir.display(), name.display());
        }
    }
    Ok(())
}

fn make_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| path.display().to_string())
}

/// Where a file of the backup belongs here.
fn place(config: &Config, manifest: &Manifest, name: &str) -> anyhow::Result<Option<PathBuf>> {
    let wanted = match &config.store.url {
        StoreUrl::Sqlite(_) => SQLITE,
        StoreUrl::Postgres { .. } => POSTGRES,
    };
    if manifest.engine != wanted {
        bail!("the backup is of {}, but store.url names {wanted}", manifest.engine);
    }
    let tls = |file: &str| match &config.tls {
        TlsMode::OwnCa { dir } => Some(dir.join(file)),
        TlsMode::Files { .. } | TlsMode::Acme(_) => None,
    };
    let place = match (name, &config.store.url, &config.keys.root) {
        (DATABASE, StoreUrl::Sqlite(path), _) => Some(path.clone()),
        (DATABASE, StoreUrl::Postgres { .. }, _) => Some(config.data_dir.join("countersign.dump")),
        (ROOT_KEY, _, Root::File(path)) => Some(path.clone()),
        (CA, ..) => tls("ca.pem"),
        (CA_KEY, ..) => tls("ca.key"),
        _ => None,
    };
    // What is there already stays: it may be in use for more than this.
    let place = place.filter(|path| name == DATABASE || !path.exists());
    if let Some(parent) = place.as_deref().and_then(Path::parent) {
        make_dir(parent)?;
    }
    Ok(place)
}

fn put(one: Unpacked, name: &str, said: &mut String) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if name == CA {
        // The one file that is for everybody.
        fs::set_permissions(one.path(), fs::Permissions::from_mode(0o644))?;
    }
    said.push_str(&format!("{}: from the backup\n", one.place().display()));
    one.put()
}

/// What was found in a restored database.
struct Found {
    tenants: usize,
    roots: Vec<String>,
}

async fn sqlite(database: Unpacked, world: &World, said: &mut String) -> anyhow::Result<Found> {
    let damage = sqlite_file::examine(database.path())?.damage;
    if let Some(damage) = damage.first() {
        bail!("the database in the backup is damaged: {damage}");
    }
    let url = format!("sqlite:{}", database.path().display());
    let found = make_safe(&url, &store::Options::default(), world).await?;
    settle(database.path()).await?;
    let place = database.place().to_owned();
    if place.exists() {
        settle(&place).await.with_context(|| format!("{}: stop the server first", place.display()))?;
        let mut aside = place.clone().into_os_string();
        aside.push(format!(".before-{}", world.now().seconds()));
        fs::rename(&place, &aside).with_context(|| place.display().to_string())?;
        said.push_str(&format!("the old database is kept in {}\n", aside.display()));
    }
    database.put()?;
    Ok(found)
}

/// Waits until this process's own connections have gone, or for somebody else's in vain.
async fn settle(path: &Path) -> anyhow::Result<()> {
    let mut tries = 0;
    loop {
        match sqlite_file::settle(path) {
            Err(_) if tries < 20 => tries += 1,
            done => return Ok(done?),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Stands for a root key where none is needed: nothing is opened here.
struct NoRoot;

impl RootKey for NoRoot {
    fn id(&self) -> &str {
        "none"
    }

    fn wrap(&self, _: &SecretBytes, _: &[u8], _: &dyn Random) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::UnknownRoot)
    }

    fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<SecretBytes, KeyError> {
        Err(KeyError::UnknownRoot)
    }
}

/// Uses up what may have been used since the backup, in every tenant, and notes it in each one's log.
async fn make_safe(url: &str, options: &store::Options, world: &World) -> anyhow::Result<Found> {
    let engine = store::open(url, options).await.context("can't open the restored database")?;
    let store = Store::new(engine, KeyRing::new(Arc::new(NoRoot)), world.clone());
    let (mut tenants, mut after, mut roots) = (0, None, Vec::new());
    let mut note = |keys: Vec<keys::WrappedKey>| {
        for key in keys {
            if !roots.contains(&key.root) {
                roots.push(key.root);
            }
        }
    };
    // The machine may have other day keys of the message log, or none: a backup has none.
    store.forget_log_days().await?;
    note(store.tenant(house()).wrapped_keys().await?);
    loop {
        let page: Vec<TenantId> = store.tenants(after, PAGE).await?.into_iter().map(|tenant| tenant.id).collect();
        let Some(last) = page.last() else { break };
        (tenants, after) = (tenants + page.len(), Some(*last));
        let safe = stream::iter(page).map(|id| make_tenant_safe(&store, id)).buffer_unordered(AT_ONCE);
        safe.try_for_each(|keys| {
            note(keys);
            std::future::ready(Ok(()))
        })
        .await?;
    }
    Ok(Found { tenants, roots })
}

async fn make_tenant_safe(store: &Store, id: TenantId) -> anyhow::Result<Vec<keys::WrappedKey>> {
    let scope = store.tenant(id);
    let mut tx = scope.begin().await?;
    tx.void_after_restore(store.world().now()).await?;
    tx.log_act(store.world(), "countersign restore", "backup_restore", "", "{}").await?;
    tx.commit().await?;
    Ok(scope.wrapped_keys().await?)
}

/// Which root keys the database needs, and whether they are here.
fn keys_needed(config: &Config, roots: &[String]) -> String {
    let mut files = Vec::new();
    for root in std::iter::once(&config.keys.root).chain(&config.keys.older) {
        if let Root::File(path) = root
            && let Ok(root) = FileRoot::open(path)
        {
            files.extend(root.keys().into_iter().map(|(id, _)| id));
        }
    }
    let mut said = String::new();
    for root in roots {
        if files.contains(root) {
            said.push_str(&format!("The root key {root} is here.\n"));
        } else if root.starts_with("file:") {
            let place = match &config.keys.root {
                Root::File(path) => path.display().to_string(),
                Root::Token => "a file of keys.older_roots".to_owned(),
            };
            said.push_str(&format!(
                "MISSING: the root key {root}. Put its file to {place} before the server is started.\n"
            ));
        } else {
            said.push_str(&format!("The root key {root} must be on the configured token.\n"));
        }
    }
    said
}
