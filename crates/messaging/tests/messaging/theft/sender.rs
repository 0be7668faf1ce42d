//! The process that sends, and what it leaves.

use super::{ANSWERED, BUSY, MESSAGES, OVER_HTTP, OVER_SMPP};
use crate::{trunk::Brief, twilio::config_at};
use countersign_e2e::loot::number;
use data_encoding::BASE64;
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use messaging::{
    Accepted, Address, BoxFuture, CallScript, Channel, ChannelKind, Content, Courier, Delivery, ErrorClass, Gateway,
    Options, Outgoing, Purpose, Report, SendError, Sip, Surroundings, Ticket, Twilio,
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
    time::Duration,
};
use store::{Span, Store, TenantRow};
use types::{AttemptId, MessageId, Millis, SecretString, TenantId, UserId, World};
use voice::Speech;

pub(super) const DIRECTORY: &str = "COUNTERSIGN_THEFT_DIRECTORY";
pub(super) const SUPPLIER: &str = "COUNTERSIGN_THEFT_SUPPLIER";
pub(super) const SMSC: &str = "COUNTERSIGN_THEFT_SMSC";
pub(super) const BUSY_TRUNK: &str = "COUNTERSIGN_THEFT_BUSY_TRUNK";
pub(super) const TRUNK: &str = "COUNTERSIGN_THEFT_TRUNK";
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
    let marks = DayKeys::open_or_create(&directory.join("log-marks.key"), &ring, &world).unwrap();
    Arc::new(Store::new(engine, ring, world).with_day_keys(Arc::new(days)).with_mark_keys(Arc::new(marks)))
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
        let mut next = 0;
        let mut some = |count: u32| {
            next += count;
            next - count..next
        };
        deliver(&store, &http, tenant, some(OVER_HTTP), false).await;
        short_messages(&store, tenant, some(OVER_SMPP)).await;
        calls(&store, tenant, BUSY_TRUNK, some(BUSY), AT_ONCE).await;
        calls(&store, tenant, TRUNK, some(ANSWERED), 1).await;
        let pigeon = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Pigeon)]));
        deliver(&store, &pigeon, tenant, next..MESSAGES, true).await;
    }
    store.engine().backup(&directory.join("backup.sqlite")).await.unwrap();
    pages(&directory, &store, tenant).await;
    let mut names: Vec<String> = seen.0.lock().unwrap().iter().cloned().collect();
    names.resize_with(names.len().max(200), || "# nothing more".to_owned());
    fs::write(directory.join("metrics.txt"), names.join("\n")).unwrap();
    (store, tenant)
}

/// Over SMPP, until every receipt stands in the log.
async fn short_messages(store: &Arc<Store>, tenant: TenantId, places: std::ops::Range<u32>) {
    let (port, count) = (std::env::var(SMSC).unwrap(), i64::from(places.end - places.start));
    let file = format!(
        "[carriers.smsc]\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"theft\"\npassword = \"theft\"\n\
         security = \"plain\"\nfrom = \"Acme\"\n"
    );
    let around = Surroundings { world: store.world().clone(), public_url: None, data_dir: None };
    let carriers = Gateway::read(&file).unwrap().set_up(&[], &around).unwrap();
    let courier = Arc::new(Courier::open(Arc::clone(store), carriers, Options::default()).unwrap());
    until(async || courier.carriers().iter().all(|carrier| carrier.channel.is_ready())).await;
    deliver(store, &courier, tenant, places, false).await;
    until(async || {
        let outcomes = store.tenant(tenant).message_outcomes(Millis(0), Millis(i64::MAX)).await.unwrap();
        let delivered = outcomes.iter().find(|it| it.supplier == "smsc" && it.state == "delivered");
        delivered.is_some_and(|it| it.count == count)
    })
    .await;
}

/// Calls over SIP, until each has ended.
async fn calls(store: &Arc<Store>, tenant: TenantId, trunk: &str, places: std::ops::Range<u32>, at_once: u32) {
    let mut config = sip::Config::new(&std::env::var(trunk).unwrap(), "acme");
    config.probe = None;
    let most = usize::try_from(at_once).unwrap();
    let sip = Sip::new("trunk", config, Speech::by(Brief), most, Duration::from_secs(60), store.world().clone());
    let courier = Courier::new(Arc::clone(store), vec![Arc::new(sip)]);
    until(async || courier.carriers().iter().all(|carrier| carrier.channel.is_ready())).await;
    let mut answers = courier.call_answers();
    let mut left = places.end - places.start;
    let mut places = places.peekable();
    let mut under_way = 0;
    while left > 0 {
        while under_way < at_once
            && let Some(place) = places.next()
        {
            let random = store.world().random.as_ref();
            let id = MessageId::new(store.world().now(), random);
            let to = Address::Number(number(place).parse().unwrap(), String::new());
            let script = CallScript {
                lines: vec![SecretString::new("This is Acme.".to_owned())],
                keys: Some(SecretString::new("42".to_owned())),
                ..CallScript::default()
            };
            let mut message = Outgoing::new(id, tenant, Purpose::Authentication, to, Content::Call(script));
            message.txid = Some(AttemptId::new(store.world().now(), random));
            courier.deliver(message).await.unwrap();
            under_way += 1;
        }
        answers.recv().await.unwrap();
        (left, under_way) = (left - 1, under_way - 1);
    }
}

async fn until(mut done: impl AsyncFnMut() -> bool) {
    while !done().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
        let opened = reader.open_rows(&page.rows).into_iter().map(Result::unwrap);
        read.extend(opened.filter(|opened| !opened.is_canary()).map(|opened| opened.to().to_owned()));
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
