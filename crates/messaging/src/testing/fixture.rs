//! A store with tenants, and messages in their names. The tests of the crate and those beside it stand on this one file: whoever takes it in
//! has the names of `messaging` beside it.

use super::{Address, CallScript, Content, LogReader, Opened, Outgoing, Purpose};
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use std::{path::Path, sync::Arc};
use store::{Span, Store, TenantRow};
use types::{AttemptId, ManualClock, MessageId, Millis, SecretString, TenantId, UserId, World};

/// 14 November 2026, 10:20:30.405 UTC.
pub(crate) const NOW: Millis = Millis(1_794_651_630_405);

/// A store on a clock that is moved by hand.
pub(crate) struct Fixture {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,
    ring: KeyRing,
    directory: tempfile::TempDir,
}

impl Fixture {
    /// On SQLite, in a directory of its own. Its chance is the same each time.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("db.sqlite").display());
        let (world, clock) = World::made(NOW, 7);
        Self::open(&url, directory, world, clock).await
    }

    /// On any engine. Its chance is real: what is sealed must not repeat between two tests on one server.
    pub(crate) async fn on(url: &str, directory: tempfile::TempDir) -> Self {
        let (world, clock) = World::made(NOW, 7);
        Self::open(url, directory, World { random: World::real().random, ..world }, clock).await
    }

    async fn open(url: &str, directory: tempfile::TempDir, world: World, clock: Arc<ManualClock>) -> Self {
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let engine = store::open(url, &store::Options::default()).await.unwrap();
        let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
        let marks = DayKeys::open_or_create(&directory.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring.clone(), world).with_day_keys(Arc::new(days));
        let store = Arc::new(store.with_mark_keys(Arc::new(marks)));
        Self { store, clock, ring, directory }
    }

    /// Where everything of it stands.
    pub(crate) fn path(&self) -> &Path {
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

    pub(crate) fn user_id(&self) -> UserId {
        UserId::new(self.store.world().now(), self.store.world().random.as_ref())
    }

    /// A text to a number, in the name of a user.
    pub(crate) fn text(&self, tenant: TenantId, number: &str, text: &str) -> Outgoing {
        let to = Address::Number(number.parse().unwrap(), String::new());
        let content = Content::Text(SecretString::new(text.to_owned()));
        let mut message = Outgoing::new(self.message_id(), tenant, Purpose::Authentication, to, content);
        message.user = Some(self.user_id());
        message
    }

    /// A call that waits for two keys, and its attempt.
    pub(crate) fn call(&self, tenant: TenantId, number: &str, extension: &str) -> (Outgoing, AttemptId) {
        let world = self.store.world();
        let txid = AttemptId::new(world.now(), world.random.as_ref());
        let mut message = self.text(tenant, number, "");
        message.txid = Some(txid);
        message.to = Address::Number(number.parse().unwrap(), extension.to_owned());
        message.content = Content::Call(CallScript {
            lines: vec![SecretString::new("This is Acme & Sons.".to_owned())],
            keys: Some(SecretString::new("42".to_owned())),
            fraud_key: Some('9'),
            code: None,
        });
        (message, txid)
    }
}
