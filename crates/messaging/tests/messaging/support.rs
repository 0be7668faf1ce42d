//! A store with tenants, and the Python environment of the tests.

use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use messaging::{
    Address, CallScript, Content, Outgoing, Purpose,
    log::{LogReader, Opened},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use store::{Span, Store, TenantRow};
use types::{AttemptId, ManualClock, MessageId, Millis, SecretString, TenantId, UserId, World};

/// 14 November 2026, 10:20:30.405 UTC.
pub(crate) const NOW: Millis = Millis(1_794_651_630_405);

pub(crate) struct Fixture {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
}

impl Fixture {
    /// On SQLite, in a directory of its own.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("db.sqlite").display());
        Self::on(&url, directory).await
    }

    /// On any engine.
    pub(crate) async fn on(url: &str, directory: tempfile::TempDir) -> Self {
        let (world, clock) = World::made(NOW, 7);
        // Chance of its own kind: what is sealed must not repeat between two tests on one server.
        let world = World { random: World::real().random, ..world };
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let engine = store::open(url, &store::Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
        let marks = DayKeys::open_or_create(&directory.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring, world).with_day_keys(Arc::new(days));
        let store = Arc::new(store.with_mark_keys(Arc::new(marks)));
        Self { store, clock, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

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
        self.reader(tenant, key).await.open(row.id, row.sealed.as_ref().unwrap()).unwrap()
    }

    /// Who reads all of a tenant's rows.
    pub(crate) async fn reader(&self, tenant: TenantId, key: &TenantPrivateKey) -> LogReader {
        let mut reader = LogReader::new(tenant, vec![key.clone()]);
        let everything = Span::new(Millis(0), Millis(i64::MAX), 1000);
        for segment in self.store.tenant(tenant).log_segments(&everything).await.unwrap() {
            reader.add_segment(segment.id, segment.day, segment.header.as_deref());
        }
        reader
    }

    pub(crate) fn text(&self, tenant: TenantId, number: &str, text: &str) -> Outgoing {
        let world = self.store.world();
        let id = MessageId::new(world.now(), world.random.as_ref());
        let to = Address::Number(number.parse().unwrap(), String::new());
        let content = Content::Text(SecretString::new(text.to_owned()));
        let mut message = Outgoing::new(id, tenant, Purpose::Authentication, to, content);
        message.user = Some(UserId::new(world.now(), world.random.as_ref()));
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

/// The interpreter of the environment that `cargo xtask test` makes in the target directory.
pub(crate) fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let interpreter = target.join("venv/bin/python");
    assert!(
        interpreter.is_file(),
        "{} is missing. This test needs programs from PyPI (aiosmtpd, twilio, http_ece, py_vapid); `cargo xtask test` installs them and runs it, and so does\n  \
         python3 -m venv {1} && {1}/bin/pip install aiosmtpd==1.4.6 twilio==9.13.0 http_ece==1.2.1 py_vapid==1.9.6",
        interpreter.display(),
        target.join("venv").display(),
    );
    interpreter
}
