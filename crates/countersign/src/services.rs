//! The floors, opened from the configuration and wired to each other: what `serve`, `demo` and `admin` stand on.

use crate::config::{Config, Keys, Root, StoreUrl, Token};
use crate::{gateway, locations::Database, log_days};
use anyhow::Context as _;
use auth::Auth;
use directory::{Checks, Directory};
use keys::{FileRoot, KeyRing, Pkcs11Root, RootKey};
use messaging::{Carrier, Channel, Courier, Hooks, WebPush};
use sso::Sso;
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, sync::Arc, time::Duration};
use store::Store;
use types::World;

/// How long a code waits for its page's beacon: as long as nobody minds, and as a slow phone takes to open one more connection.
const BEACON_PATIENCE: Duration = Duration::from_secs(2);

/// The open floors.
pub struct Services {
    /// Tenants' rows.
    pub store: Arc<Store>,
    /// The way out for messages.
    pub courier: Arc<Courier>,
    /// The engine.
    pub auth: Arc<Auth>,
    /// What signs people in to applications.
    pub sso: Arc<Sso>,
    /// What hears the suppliers' callbacks.
    pub hooks: Arc<Hooks>,
}

impl Services {
    /// Opens the database and the keys, and starts the engine. `also` are channels beside the configured ones; the first that
    /// carries a kind of message is the one that is used.
    ///
    /// # Errors
    /// What can't be opened, for the administrator.
    pub async fn open(config: &Config, world: &World, also: Vec<Arc<dyn Channel>>) -> anyhow::Result<Self> {
        Self::opened(config, world, also, false).await
    }

    /// As [`open`](Self::open), for a command that may run beside a server: where a gateway file describes carriers, messages are queued for
    /// the server, because a second connection to a carrier is not everywhere allowed.
    ///
    /// # Errors
    /// What can't be opened, for the administrator.
    pub async fn beside(config: &Config, world: &World) -> anyhow::Result<Self> {
        Self::opened(config, world, Vec::new(), config.gateway_file.is_some()).await
    }

    /// As [`beside`](Self::beside), for a command that never sends anything itself.
    ///
    /// # Errors
    /// What can't be opened, for the administrator.
    pub async fn idle(config: &Config, world: &World) -> anyhow::Result<Self> {
        Self::opened(config, world, Vec::new(), true).await
    }

    async fn opened(
        config: &Config,
        world: &World,
        also: Vec<Arc<dyn Channel>>,
        is_idle: bool,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(log_days::required(open_store(config, world).await?, config).await?);
        let (configured, table) = gateway::carriers(config, world, &[])?;
        let carriers = also.into_iter().map(Carrier::new).chain(configured).collect();
        let options = messaging::Options { table, queue_keys: Some(gateway::queue_keys(config)), is_idle };
        let mut courier =
            Courier::open(Arc::clone(&store), carriers, options).context("the keys of queued messages")?;
        if let Some(hosts) = &config.push_hosts {
            courier = courier.with_web_push(WebPush::new(hosts.clone(), world.clone()).context("web_push")?);
        }
        let courier = Arc::new(courier);
        let hooks = Arc::new(Hooks::new(&courier));
        let beacons = config.server.beacon_host.as_ref().map(|_| BEACON_PATIENCE);
        let locations = config.geo_database.as_deref().map(Database::open).transpose()?;
        let locations = locations.map(|database| Arc::new(database) as Arc<dyn auth::Locations>);
        let outbound = outbound::Outbound::new(config.callback_networks.clone(), "Countersign")
            .context("requests to providers that people come from")?;
        let options = auth::Options {
            public_port: config.public_port(),
            beacons,
            locations,
            fetch: Some(Arc::new(outbound)),
            ..auth::Options::default()
        };
        let auth = Auth::start_with(Arc::clone(&store), Arc::clone(&courier), options);
        let sso =
            Sso::start(Arc::clone(&auth), sso::Options { public_port: config.public_port(), secure_origin: true });
        Ok(Self { store, courier, auth, sso, hooks })
    }

    /// The directory of these floors' store.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::new(Arc::clone(&self.store), checks())
    }
}

/// How the engine reads policies and settings, for a directory that must refuse what the engine wouldn't understand.
#[must_use]
pub fn checks() -> Checks {
    Checks {
        policy: |name, sections| {
            auth::policy::Layer::parse(name, sections).map(drop).map_err(|error| error.to_string())
        },
        settings: |text| {
            let settings = auth::Settings::parse(text).map_err(|error| error.to_string())?;
            settings.messages.rules().map_err(|error| error.to_string())?;
            settings.passkey_attestation.models().map(drop).map_err(|error| error.to_string())
        },
        operator_delay: |text| auth::Settings::parse(text).ok().map(|settings| settings.operator_delay()),
    }
}

/// Opens the store with its key ring, and with the message log's day keys where they are here; brings the schema up to date.
///
/// # Errors
/// What can't be opened, for the administrator.
pub async fn open_store(config: &Config, world: &World) -> anyhow::Result<Store> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("can't make the data directory {}", config.data_dir.display()))?;
    let ring = ring(&config.keys, world)?;
    ring.check(world).context("the root key doesn't work")?;
    let engine = store::open(&url(&config.store.url), &options(config)).await.context("can't open the database")?;
    log_days::where_they_are(Store::new(engine, ring, world.clone()), config).await
}

/// How the database is opened.
#[must_use]
pub fn options(config: &Config) -> store::Options {
    let connections = match config.store.url {
        StoreUrl::Sqlite(_) => config.store.read_connections,
        StoreUrl::Postgres { .. } => config.store.read_connections + config.store.write_connections,
    };
    store::Options { connections, ca_file: config.store.ca_file.clone(), ..store::Options::default() }
}

/// The database's URL as the store takes it, with its password.
#[must_use]
pub fn url(url: &StoreUrl) -> String {
    match url {
        StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreUrl::Postgres { url, password: None } => url.expose().to_owned(),
        StoreUrl::Postgres { url, password: Some(password) } => {
            let joint = if url.expose().contains('?') { '&' } else { '?' };
            let quoted: String = password.expose().bytes().map(|byte| format!("%{byte:02X}")).collect();
            format!("{}{joint}password={quoted}", url.expose())
        }
    }
}

/// The root key in use, with those that were in use before.
///
/// # Errors
/// What can't be opened, for the administrator.
pub fn ring(keys: &Keys, world: &World) -> anyhow::Result<KeyRing> {
    let mut ring = KeyRing::new(root(&keys.root, keys.token.as_ref(), world)?);
    for older in &keys.older {
        ring = ring.with_older(root(older, keys.token.as_ref(), world)?);
    }
    Ok(ring)
}

fn root(root: &Root, token: Option<&Token>, world: &World) -> anyhow::Result<Arc<dyn RootKey>> {
    Ok(match root {
        Root::File(path) => Arc::new(
            FileRoot::open_or_create(path, world).with_context(|| format!("the root key in {}", path.display()))?,
        ),
        Root::Token => {
            let token = token.context("keys.root is on a PKCS#11 token, but no token is configured")?;
            let opened =
                Pkcs11Root::open(&token.module, &token.token_label, token.pin.clone(), &token.key_label, world);
            Arc::new(opened.with_context(|| format!("the root key on the token {}", token.token_label))?)
        }
    })
}
