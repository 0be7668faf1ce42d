//! What several unit tests stand on: a store on SQLite in a directory of its own, with tenants, and no outside program.

use crate::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, Outgoing, Purpose, SendError, Ticket,
    house::House,
    log::{LogReader, Opened},
};
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use store::{Span, Store, TenantRow};
use types::{ManualClock, MessageId, Millis, SecretString, TenantId, UserId, World};

/// 14 November 2026, 10:20:30.405 UTC.
pub(crate) const NOW: Millis = Millis(1_794_651_630_405);

pub(crate) struct Fixture {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,
    ring: KeyRing,
    directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 7);
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let url = format!("sqlite:{}", directory.path().join("db.sqlite").display());
        let engine = store::open(&url, &store::Options::default()).await.unwrap();
        let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
        let marks = DayKeys::open_or_create(&directory.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring.clone(), world).with_day_keys(Arc::new(days));
        let store = Arc::new(store.with_mark_keys(Arc::new(marks)));
        Self { store, clock, ring, directory }
    }

    /// Where everything of it stands.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// A second node's store on the same engine: it shares no cache.
    pub(crate) fn other_node(&self) -> Arc<Store> {
        Arc::new(Store::new(self.store.shared_engine(), self.ring.clone(), self.store.world().clone()))
    }

    /// Makes a tenant; with a log key, its private half.
    pub(crate) async fn tenant(&self, settings: &str, with_key: bool) -> (TenantId, Option<TenantPrivateKey>) {
        let world = self.store.world();
        let id = TenantId::new(world.now(), world.random.as_ref());
        let private = with_key.then(|| TenantPrivateKey::generate(world.random.as_ref()));
        let row = TenantRow {
            id,
            name: "Acme".to_owned(),
            api_host: format!("{id}.example").to_lowercase(),
            created: world.now(),
            settings: settings.to_owned(),
            log_key: private.as_ref().map(|key| key.public().to_text()),
        };
        self.store.create_tenant(&row).await.unwrap();
        (id, private)
    }

    /// A row's sealed part, opened.
    pub(crate) async fn opened(&self, tenant: TenantId, key: &TenantPrivateKey, row: &store::MessageRow) -> Opened {
        self.reader(tenant, vec![key.clone()]).await.open(row.id, row.sealed.as_ref().unwrap()).unwrap()
    }

    /// Who has these keys and all headers of a tenant's segments.
    pub(crate) async fn reader(&self, tenant: TenantId, keys: Vec<TenantPrivateKey>) -> LogReader {
        let mut reader = LogReader::new(tenant, keys);
        let everything = Span::new(Millis(0), Millis(i64::MAX), 1000);
        for segment in self.store.tenant(tenant).log_segments(&everything).await.unwrap() {
            reader.add_segment(segment.id, segment.day, segment.header.as_deref());
        }
        reader
    }

    pub(crate) fn message_id(&self) -> MessageId {
        MessageId::new(self.store.world().now(), self.store.world().random.as_ref())
    }

    /// A text to a number, in the name of a user.
    pub(crate) fn text(&self, tenant: TenantId, number: &str, text: &str) -> Outgoing {
        let to = Address::Number(number.parse().unwrap(), String::new());
        let content = Content::Text(SecretString::new(text.to_owned()));
        let mut message = Outgoing::new(self.message_id(), tenant, Purpose::Authentication, to, content);
        message.user = Some(self.user_id());
        message
    }

    pub(crate) fn user_id(&self) -> UserId {
        UserId::new(self.store.world().now(), self.store.world().random.as_ref())
    }
}

/// A house with keys of its own, without a store.
pub(crate) fn house() -> House {
    use std::sync::OnceLock;
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE
        .get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { House::open(&Fixture::new().await.store).await.unwrap() })
        })
        .clone()
}

/// A channel that answers what it is told to, and keeps the tickets.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) answers: Mutex<VecDeque<Result<Accepted, SendError>>>,
    pub(crate) tickets: Mutex<Vec<String>>,
    pub(crate) sent: AtomicUsize,
    /// How long it takes its time.
    pub(crate) pause: std::time::Duration,
}

impl Channel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind != ChannelKind::Email
    }

    fn send<'a>(&'a self, _: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            tokio::time::sleep(self.pause).await;
            self.tickets.lock().unwrap().push(ticket.as_str().to_owned());
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            let said = self.answers.lock().unwrap().pop_front();
            said.unwrap_or_else(|| Ok(Accepted { receipt: format!("id-{number}"), segments: 2 }))
        })
    }
}
