//! `countersign keys`: root keys and tenants' keys, rotated while servers serve.
//!
//! The order is that of the crate `keys`' first page: a new root key first, then servers that wrap with it, then every tenant's key
//! wrapped by it, then the old root key away. A tenant's key: the new version first, then what is sealed under older ones sealed anew,
//! each value by a conditional update, so that a change meanwhile wins.

mod reseal;

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use keys::{FileRoot, Pkcs11Root, WrappedKey};
use messaging::house;
use store::Store;
use types::{Millis, TenantId, World};
use zeroize::Zeroizing;

use crate::{
    cli::say,
    config::{Config, Root},
    services::open_store,
};

/// Arguments of `keys`.
#[derive(Args)]
pub struct KeysArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with keys.
#[derive(Subcommand)]
pub enum Action {
    /// Show which root keys wrap how many tenant keys, and what is left to do
    Status,
    /// Make a new root key; servers wrap with it once they are restarted
    AddRoot,
    /// Wrap every tenant key that an older root key has wrapped by the newest one
    Rewrap,
    /// Take a root key that wraps nothing any more out of the file
    RemoveRoot {
        /// Its id, as `status` shows it
        id: String,
    },
    /// Make a new key for a tenant: what is sealed from now on is sealed under it
    RotateTenant(Which),
    /// Seal anew what is sealed under older keys of a tenant
    Reseal(Which),
}

/// One tenant or all.
#[derive(Args)]
pub struct Which {
    /// The tenant's id or host name, or `all`
    pub tenant: String,
}

/// Tenants that are read at once.
const PAGE: i64 = 500;
/// Who is written into the administrator log.
const ACTOR: &str = "countersign keys";

/// Does it.
///
/// # Errors
/// What went wrong, for the administrator.
pub async fn run(config: &Config, arguments: KeysArgs) -> anyhow::Result<()> {
    let world = World::real();
    if let Action::AddRoot = arguments.action {
        let config = config.clone();
        return say(&tokio::task::spawn_blocking(move || add_root(&config, &world)).await??);
    }
    let store = Arc::new(open_store(config, &world).await?);
    match arguments.action {
        Action::AddRoot => Ok(()),
        Action::Status => status(config, &store).await,
        Action::Rewrap => rewrap(&store).await,
        Action::RemoveRoot { id } => remove_root(config, &store, &id).await,
        Action::RotateTenant(which) => {
            for tenant in tenants(&store, &which.tenant).await? {
                let version = rotate(&store, tenant).await?;
                say(&format!("{tenant}: version {version} seals from now on\n"))?;
            }
            say("next: countersign keys reseal, with the same name\n")
        }
        Action::Reseal(which) => {
            for tenant in tenants(&store, &which.tenant).await? {
                let done = reseal::tenant(&store, tenant).await?;
                say(&format!("{tenant}: {} values sealed anew, {} were current\n", done.resealed, done.current))?;
            }
            Ok(())
        }
    }
}

fn add_root(config: &Config, world: &World) -> anyhow::Result<String> {
    let (id, place) = match &config.keys.root {
        Root::File(path) => {
            let id = FileRoot::add_key(path, world)?;
            (
                id,
                format!(
                    "It is in {}. Where each node has a copy of its own, copy the file to all of them now.",
                    path.display()
                ),
            )
        }
        Root::Token => {
            let token = config.keys.token.as_ref().context("no PKCS#11 token is configured")?;
            let root = Pkcs11Root::open(&token.module, &token.token_label, token.pin.clone(), &token.key_label, world)?;
            (root.add_key(world)?, format!("It is on the token {}.", token.token_label))
        }
    };
    Ok(format!(
        "{id} is the newest root key. {place}\n\
         next: restart the servers, one after another; then countersign keys rewrap\n"
    ))
}

/// The tenants that are meant: by id, by host name, or `all`.
pub(crate) async fn tenants(store: &Store, named: &str) -> anyhow::Result<Vec<TenantId>> {
    if named == "all" {
        return all(store).await;
    }
    let id = match named.parse() {
        Ok(id) => Some(id),
        Err(_) => store.tenant_of_host(&named.to_ascii_lowercase()).await?,
    };
    match id {
        Some(id) if store.tenant(id).row().await?.is_some() => Ok(vec![id]),
        _ => bail!("there is no tenant with this id or host name"),
    }
}

async fn all(store: &Store) -> anyhow::Result<Vec<TenantId>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.tenants(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.id);
        found.extend(page.iter().map(|tenant| tenant.id));
    }
}

/// Every tenant's keys, and the house's own.
async fn every_key(store: &Store) -> anyhow::Result<Vec<(TenantId, Vec<WrappedKey>)>> {
    let mut found = Vec::new();
    for tenant in std::iter::once(house()).chain(all(store).await?) {
        found.push((tenant, store.tenant(tenant).wrapped_keys().await?));
    }
    Ok(found)
}

async fn status(config: &Config, store: &Store) -> anyhow::Result<()> {
    let keys = every_key(store).await?;
    let mut wraps: BTreeMap<String, u64> = BTreeMap::new();
    for key in keys.iter().flat_map(|(_, keys)| keys) {
        *wraps.entry(key.root.clone()).or_default() += 1;
    }
    let newest = store.ring().root_id().to_owned();
    let mut roots: Vec<(String, Option<Millis>)> = Vec::new();
    for root in std::iter::once(&config.keys.root).chain(&config.keys.older) {
        if let Root::File(path) = root {
            roots.extend(FileRoot::open(path)?.keys().into_iter().map(|(id, made)| (id, Some(made))));
        }
    }
    for id in std::iter::once(&newest).chain(wraps.keys()) {
        if !roots.iter().any(|(known, _)| known == id) {
            roots.push((id.clone(), None));
        }
    }
    say("root keys\n")?;
    for (id, made) in &roots {
        let count = wraps.get(id).copied().unwrap_or(0);
        let made = made.and_then(|made| jiff::Timestamp::from_second(made.seconds()).ok());
        let made = made.map_or_else(String::new, |made| format!("  made {}", made.strftime("%Y-%m-%d")));
        let role = match (*id == newest, count) {
            (true, _) => "the newest: it wraps",
            (false, 0) => "can be taken out (remove-root), once no backup needs it",
            (false, _) => "older: rewrap",
        };
        say(&format!("  {id}{made}  {count} tenant keys  {role}\n"))?;
    }
    let several = keys.iter().filter(|(_, keys)| keys.len() > 1).count();
    let tenants = keys.len().saturating_sub(1);
    say(&format!("tenants\n  {tenants}, {several} of them with more than one version of their key\n"))?;
    let left = keys.iter().flat_map(|(_, keys)| keys).filter(|key| store.ring().needs_rewrap(key)).count();
    if let Ok(days) = store.day_keys() {
        let day = jiff::Timestamp::from_second(days.oldest().saturating_mul(86_400))?.strftime("%Y-%m-%d");
        say(&format!("message log\n  readable from {day} on; its day keys are wrapped by {}\n", days.root_id()))?;
        if left == 0 && days.root_id() != newest {
            say("to do: countersign keys rewrap (the message log's day keys)\n")?;
        }
    }
    if left > 0 { say(&format!("to do: countersign keys rewrap ({left} tenant keys)\n")) } else { Ok(()) }
}

async fn rewrap(store: &Store) -> anyhow::Result<()> {
    let mut done = 0_u64;
    for (tenant, keys) in every_key(store).await? {
        let (ring, world) = (store.ring().clone(), store.world().clone());
        // A root key in a token is asked over a bus or a network.
        let rewrapped = tokio::task::spawn_blocking(move || {
            let old = keys.iter().filter(|key| ring.needs_rewrap(key));
            old.map(|key| ring.rewrap(tenant, key, &world)).collect::<Result<Vec<_>, _>>()
        });
        let rewrapped = rewrapped.await?.with_context(|| format!("the keys of {tenant}"))?;
        if rewrapped.is_empty() {
            continue;
        }
        let mut tx = store.tenant(tenant).begin().await?;
        for key in &rewrapped {
            tx.rewrap_tenant_key(key).await?;
        }
        tx.commit().await?;
        done += rewrapped.len() as u64;
    }
    say(&format!("{done} tenant keys are wrapped by {} now\n", store.ring().root_id()))?;
    if let Some(marks) = store.mark_keys().map(Arc::clone) {
        let world = store.world().clone();
        let rewrapped = tokio::task::spawn_blocking(move || marks.rewrap(world.random.as_ref())).await?;
        rewrapped.context("the keys of users' marks in the message log")?;
    }
    let Ok(days) = store.day_keys().map(Arc::clone) else { return Ok(()) };
    let world = store.world().clone();
    let rewrapped = tokio::task::spawn_blocking(move || days.rewrap(world.random.as_ref())).await?;
    if rewrapped.context("the message log's day keys")? {
        say("and so are the message log's day keys\n")
    } else {
        Ok(())
    }
}

async fn remove_root(config: &Config, store: &Store, id: &str) -> anyhow::Result<()> {
    let Root::File(path) = &config.keys.root else {
        bail!("a key is taken out of a token by the token's own tool");
    };
    let still = every_key(store).await?.iter().flat_map(|(_, keys)| keys).filter(|key| key.root == id).count();
    if still > 0 {
        bail!("{still} tenant keys are wrapped by it: countersign keys rewrap");
    }
    let marks = store.mark_keys().is_some_and(|marks| marks.root_id() == id);
    if marks || store.day_keys().is_ok_and(|days| days.root_id() == id) {
        bail!("the message log's day keys are wrapped by it: countersign keys rewrap");
    }
    // Kept, not destroyed: older backups need it, and so does what a server that was not restarted yet has wrapped meanwhile.
    let mut kept = path.clone().into_os_string();
    kept.push(format!(".before-{}", store.world().now().seconds()));
    let kept = PathBuf::from(kept);
    let text = Zeroizing::new(fs::read(path).with_context(|| path.display().to_string())?);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&kept);
    let mut file = made.with_context(|| kept.display().to_string())?;
    file.write_all(&text)?;
    file.sync_all()?;
    if let Err(error) = FileRoot::remove_key(path, id) {
        drop(fs::remove_file(&kept));
        return Err(error.into());
    }
    say(&format!(
        "{id} is gone from {}.\nThe file as it was is {}: older backups can't be read without. Keep it where the copies of the root key are, \
         and not here.\n",
        path.display(),
        kept.display()
    ))
}

async fn rotate(store: &Store, tenant: TenantId) -> anyhow::Result<u32> {
    let scope = store.tenant(tenant);
    let newest = scope.wrapped_keys().await?.last().map_or(0, |key| key.version);
    let version = newest.checked_add(1).context("no further version")?;
    let (ring, world) = (store.ring().clone(), store.world().clone());
    let made = tokio::task::spawn_blocking(move || ring.create_tenant_key(tenant, version, &world));
    let key = made.await??;
    let mut tx = scope.begin().await?;
    // Two at once: the version's number is taken, and one of them fails.
    tx.add_tenant_key(&key, store.world().now()).await?;
    let detail = format!("{{\"version\":{version}}}");
    tx.log_act(store.world(), ACTOR, "tenant_key_rotate", &tenant.to_string(), &detail).await?;
    tx.notify(format!("tenant:{tenant}")).await?;
    tx.commit().await?;
    store.forget_keys(tenant);
    Ok(version)
}
