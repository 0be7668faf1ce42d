//! The whole gateway below its doors: limits and rules asked, rows of log and queue written durably before anything leaves, texts sealed
//! in the queue, the log sealed to the tenant's key, receipts written back. On SQLite, in this process.

use super::{AT_ONCE, PATIENCE, Seen, Smsc, Watch, number, text};
use anyhow::{Context, Result, bail};
use futures_util::{StreamExt as _, stream};
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use messaging::{Address, Content, Courier, Gateway, Options, Outgoing, Purpose, Surroundings};
use rusqlite::{Connection, OpenFlags};
use std::{path::Path, sync::Arc, time::Duration};
use store::{Store, TenantRow};
use tokio::time::Instant;
use types::{MessageId, SecretString, TenantId, UserId, World};

const SETTINGS: &str = r#"{"messages":{"per_day":100000000,"countries":["DE"],"safe_numbers":["49"]}}"#;

pub(super) async fn run(smsc: &Smsc, count: usize, directory: &Path) -> Result<Seen> {
    let directory = directory.join("messages");
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    std::fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let world = World::real();
    let ring = KeyRing::new(Arc::new(FileRoot::open_or_create(&directory.join("root.key"), &world)?));
    let database = directory.join("gateway.db");
    let engine = store::open(&format!("sqlite:{}", database.display()), &store::Options::default()).await?;
    let days = DayKeys::open_or_create(&directory.join("log-days.key"), &ring, &world)?;
    let store = Arc::new(Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days)));
    let tenant = TenantId::new(world.now(), world.random.as_ref());
    store
        .create_tenant(&TenantRow {
            id: tenant,
            name: "Bench".to_owned(),
            api_host: "bench.test".to_owned(),
            created: world.now(),
            settings: SETTINGS.to_owned(),
            log_key: Some(TenantPrivateKey::generate(world.random.as_ref()).public().to_text()),
        })
        .await?;
    let gateway = Gateway::read(&smsc.carrier())?;
    let around = Surroundings { world: world.clone(), public_url: None, data_dir: Some(directory.clone()) };
    let carriers = gateway.set_up(&[], &around)?;
    let channel = Arc::clone(&carriers.first().context("no carrier")?.channel);
    let options = Options { queue_keys: Some(directory.join("queue-keys")), ..Options::default() };
    let courier = Courier::open(Arc::clone(&store), carriers, options)?;
    let until = Instant::now() + PATIENCE;
    while !channel.is_ready() {
        if Instant::now() > until {
            bail!("the gateway doesn't bind");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let watch = Watch::start()?;
    let (courier, world) = (&courier, &world);
    let done: Vec<_> = stream::iter(0..count)
        .map(|n| async move {
            let id = MessageId::new(world.now(), world.random.as_ref());
            let to = Address::Number(number(n).parse()?, String::new());
            let content = Content::Text(SecretString::new(text(n)));
            let mut message = Outgoing::new(id, tenant, Purpose::Authentication, to, content);
            message.user = Some(UserId::new(world.now(), world.random.as_ref()));
            anyhow::Ok(courier.deliver(message).await?)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    if let Some(Err(error)) = done.into_iter().find(std::result::Result::is_err) {
        return Err(error.context("a message was not taken"));
    }
    // What counts is what stands in the log.
    let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    loop {
        let delivered: i64 =
            connection.query_row("SELECT count(*) FROM message_log WHERE state = 'delivered'", [], |row| row.get(0))?;
        if usize::try_from(delivered)? == count {
            return watch.stop(Duration::ZERO);
        }
        if Instant::now() > until {
            bail!("{delivered} of {count} receipts are in the log");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
