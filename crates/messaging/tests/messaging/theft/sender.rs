//! The process that sends, and what it leaves.

use super::{MESSAGES, OVER_HTTP, number};
use crate::twilio::config_at;
use data_encoding::BASE64;
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use messaging::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, Courier, Delivery, ErrorClass, Outgoing, Purpose,
    Report, SendError, Ticket, Twilio,
    log::{LogReader, page},
};
use std::{
    collections::HashSet,
    fs,
    io::BufRead as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use store::{Span, Store, TenantRow};
use types::{MessageId, Millis, SecretString, TenantId, UserId, World};

pub(super) const DIRECTORY: &str = "COUNTERSIGN_THEFT_DIRECTORY";
pub(super) const SUPPLIER: &str = "COUNTERSIGN_THEFT_SUPPLIER";
pub(super) const KEY: &str = "COUNTERSIGN_THEFT_KEY";
pub(super) const DELIVERED: &str = "all messages are delivered";
pub(super) const ON_ITS_WAY: &str = "one message is on its way";
pub(super) const TENANT: &str = "tenant";

/// Messages under way at the same time.
const AT_ONCE: u32 = 64;

/// A carrier in this process. Its receipts name the number, as some carriers' do, and are forgotten when they have come.
struct Pigeon;

impl Channel for Pigeon {
    fn name(&self) -> &'static str {
        "pigeon"
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Sms
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let Address::Number(to, _) = &message.to else { return Err(SendError::Mismatch) };
            Ok(Accepted { receipt: format!("to-{}", to.expose()), segments: 1 })
        })
    }
}

/// A carrier that has been given a message and never answers.
struct Held(tokio::sync::Notify);

impl Channel for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Sms
    }

    fn send<'a>(&'a self, _: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        self.0.notify_one();
        Box::pin(std::future::pending())
    }
}

async fn open(directory: &Path) -> Arc<Store> {
    let world = World::real();
    let root = FileRoot::open_or_create(&directory.join("root.key"), &world).unwrap();
    let ring = KeyRing::new(Arc::new(root));
    let url = format!("sqlite:{}", directory.join("db.sqlite").display());
    let engine = store::open(&url, &store::Options::default()).await.unwrap();
    let days = DayKeys::open_or_create(&directory.join("log-days.key"), &ring, &world).unwrap();
    Arc::new(Store::new(engine, ring, world).with_day_keys(Arc::new(days)))
}

async fn tenant(store: &Store, log_key: Option<String>) -> TenantId {
    let world = store.world();
    let id = TenantId::new(world.now(), world.random.as_ref());
    let row = TenantRow {
        id,
        name: "Acme".to_owned(),
        api_host: "acme.example".to_owned(),
        created: world.now(),
        settings: r#"{"messages":{"per_day":1000000,"calling_codes":["49"]}}"#.to_owned(),
        log_key,
    };
    store.create_tenant(&row).await.unwrap();
    id
}

/// A reader of the process's metrics that keeps every name and label.
#[derive(Default)]
struct Metrics(Mutex<HashSet<String>>);

impl Metrics {
    fn note(&self, key: &metrics::Key) {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        self.0.lock().unwrap().insert(format!("{} {}", key.name(), labels.join(",")));
    }
}

struct Recorder(Arc<Metrics>);

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        self.0.note(key);
        metrics::Counter::noop()
    }
    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        self.0.note(key);
        metrics::Gauge::noop()
    }
    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        self.0.note(key);
        metrics::Histogram::noop()
    }
}

#[test]
#[ignore = "is started by another test, as a process of its own"]
fn the_sender() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // The store stays open: its journal, caches and threads are part of the loot.
    let (store, tenant) = runtime.block_on(send(directory));
    println!("{DELIVERED}");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    // One more, which is on its way for as long as this process lives.
    let held = Arc::new(Held(tokio::sync::Notify::new()));
    let one = {
        let _inside = runtime.enter();
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::clone(&held) as Arc<dyn Channel>]));
        tokio::spawn(async move { deliver(&store, &courier, tenant, MESSAGES..MESSAGES + 1, false).await })
    };
    runtime.block_on(held.0.notified());
    println!("{ON_ITS_WAY}");
    std::io::stdin().lock().read_line(&mut line).unwrap();
    one.abort();
}

async fn send(directory: PathBuf) -> (Arc<Store>, TenantId) {
    let log = Mutex::new(fs::File::create(directory.join("trace.log")).unwrap());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let seen = Arc::new(Metrics::default());
    metrics::set_global_recorder(Recorder(Arc::clone(&seen))).unwrap();

    let store = open(&directory).await;
    let tenant = tenant(&store, Some(std::env::var(KEY).unwrap())).await;
    fs::write(directory.join(TENANT), tenant.to_string()).unwrap();
    {
        let twilio = Twilio::new(config_at(&std::env::var(SUPPLIER).unwrap()), store.world().clone()).unwrap();
        let http = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(twilio)]));
        deliver(&store, &http, tenant, 0..OVER_HTTP, false).await;
        let pigeon = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Pigeon)]));
        deliver(&store, &pigeon, tenant, OVER_HTTP..MESSAGES, true).await;
    }
    store.engine().backup(&directory.join("backup.sqlite")).await.unwrap();
    pages(&directory, &store, tenant).await;
    let mut names: Vec<String> = seen.0.lock().unwrap().iter().cloned().collect();
    names.resize_with(names.len().max(200), || "# nothing more".to_owned());
    fs::write(directory.join("metrics.txt"), names.join("\n")).unwrap();
    (store, tenant)
}

async fn deliver(
    store: &Arc<Store>,
    courier: &Arc<Courier>,
    tenant: TenantId,
    places: std::ops::Range<u32>,
    reports: bool,
) {
    let next = Arc::new(AtomicU32::new(places.start));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, courier, next, end) = (Arc::clone(store), Arc::clone(courier), Arc::clone(&next), places.end);
        lanes.spawn(async move {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= end {
                    return;
                }
                let random = store.world().random.as_ref();
                let id = MessageId::new(store.world().now(), random);
                let to = Address::Number(number(place).parse().unwrap(), String::new());
                let text = Content::Text(SecretString::new("Your code is 74190358".to_owned()));
                let mut message = Outgoing::new(id, tenant, Purpose::Authentication, to, text);
                message.user = Some(UserId::new(store.world().now(), random));
                courier.deliver(message).await.unwrap();
                if reports {
                    let report = Report {
                        id: format!("to-{}", number(place)),
                        delivery: Delivery::Delivered,
                        class: ErrorClass::None,
                        raw: format!("to={} text=Your code is 74190358", number(place)),
                    };
                    courier.report("pigeon", &report).await.unwrap();
                }
            }
        });
    }
    while let Some(done) = lanes.join_next().await {
        done.unwrap();
    }
}

/// Every page of the log, as an Admin API session gets it.
async fn pages(directory: &Path, store: &Store, tenant: TenantId) {
    let mut out = String::new();
    let mut span = Some(Span::new(Millis(0), Millis(i64::MAX), 1000));
    while let Some(at) = span {
        let page = page(store, tenant, &at, None).await.unwrap();
        for row in &page.rows {
            let sealed = row.sealed.as_ref().map(|sealed| BASE64.encode(sealed));
            let fields = (row.id.to_string(), row.day, &row.supplier, &row.state, &row.error_class, sealed);
            out.push_str(&serde_json::to_string(&fields).unwrap());
            out.push('\n');
        }
        for segment in &page.segments {
            out.push_str(&BASE64.encode(segment.header.as_ref().unwrap()));
            out.push('\n');
        }
        span = page.next;
    }
    fs::write(directory.join("pages.json"), out).unwrap();
}

/// What the organisation reads with its key: every number once.
pub(super) async fn read_all(directory: &Path, tenant: TenantId, private: TenantPrivateKey) {
    let store = open(directory).await;
    let mut reader = LogReader::new(tenant, vec![private]);
    let mut read = HashSet::new();
    let mut span = Some(Span::new(Millis(0), Millis(i64::MAX), 10_000));
    while let Some(at) = span {
        let page = page(&store, tenant, &at, None).await.unwrap();
        for segment in &page.segments {
            reader.add_segment(segment.id, segment.day, segment.header.as_deref());
        }
        read.extend(reader.open_rows(&page.rows).into_iter().map(|opened| opened.unwrap().to().to_owned()));
        span = page.next;
    }
    assert_eq!(read.len(), MESSAGES as usize + 1);
    assert!(read.contains(&number(0)) && read.contains(&number(MESSAGES - 1)));
}

/// The same rows with the number in the place of what would be sealed. The store stays open, so that its files stay as they are.
pub(super) async fn write_in_clear(directory: &Path) -> Arc<Store> {
    let store = open(directory).await;
    let tenant = tenant(&store, None).await;
    let day = store.world().now().day();
    let mut tx = store.tenant(tenant).begin().await.unwrap();
    for place in 0..MESSAGES {
        let row = store::MessageRow {
            id: MessageId::new(Millis(day * 86_400_000), store.world().random.as_ref()),
            day,
            channel: "sms".to_owned(),
            supplier: "pigeon".to_owned(),
            purpose: "authentication".to_owned(),
            state: "sent".to_owned(),
            billing_class: "sms-1".to_owned(),
            error_class: String::new(),
            user_mark: vec![0; 32],
            receipt: None,
            sealed: Some(format!("{{\"to\":\"{}\"}}", number(place)).into_bytes()),
            txid: None,
        };
        tx.insert_message(&row).await.unwrap();
    }
    tx.commit().await.unwrap();
    store
}
