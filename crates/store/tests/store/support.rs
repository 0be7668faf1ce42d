//! A store for one test, on each engine in turn.

use countersign_e2e::{
    engines::{self, wanted},
    postgres::Postgres,
};
use countersign_store::{
    AdminLogRow, AuthLogRow, Engine, GroupRow, IntegrationRow, MessageRow, Options, Outcome, PhoneRow, Plan, Planned,
    PolicyRow, Slice, Store, StoreError, Tenant, TenantRow, TokenRow, Tx, UserRow,
};
use keys::{DayKeys, FileRoot, KeyRing};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use types::{
    GroupId, Id, Kind, LogId, ManualClock, MessageId, Millis, Normalization, PhoneId, PolicyId, TenantId, TokenId,
    UserId, UserName, World,
};

/// The clock of every store here stands at this moment, to begin with.
pub(crate) const NOW: Millis = Millis(1_795_280_601_805);
/// The whole of a short list.
pub(crate) const ALL: Slice = Slice { offset: 0, limit: 1000 };

/// A fresh database with two tenants, and a store on it.
pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) a: TenantId,
    pub(crate) b: TenantId,
    directory: TempDir,
}

/// Runs the test on each engine of this run, each time on a fresh database.
pub(crate) fn each_engine(test: impl AsyncFn(&Site)) {
    for engine in wanted().unwrap() {
        on(engine, &test);
    }
}

/// Runs the test if this engine is among those of this run.
pub(crate) fn on_engine(only: engines::Engine, test: impl AsyncFn(&Site)) {
    if wanted().unwrap().contains(&only) {
        on(only, &test);
    }
}

fn on(engine: engines::Engine, test: &impl AsyncFn(&Site)) {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let url = match engine {
            engines::Engine::Sqlite => sqlite_url(&directory),
            engines::Engine::Postgres => Postgres::shared().fresh_database().unwrap(),
        };
        let site = Site::new(directory, url).await;
        test(&site).await;
        assert_eq!(site.store.engine().name(), format!("{engine:?}").to_lowercase());
    });
}

pub(crate) fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

pub(crate) fn sqlite_url(directory: &TempDir) -> String {
    format!("sqlite:{}", directory.path().join("store.db").display())
}

impl Site {
    pub(crate) async fn new(directory: TempDir, url: String) -> Self {
        let (world, clock) = World::made(NOW, fresh_seed());
        let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
        let engine = countersign_store::open(&url, &Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days));
        let a = new_tenant(&store, &world, "a").await;
        let b = new_tenant(&store, &world, "b").await;
        Self { url, store, world, clock, a, b, directory }
    }

    /// Another node on the same database.
    pub(crate) async fn second_node(&self) -> Arc<dyn Engine> {
        countersign_store::open(&self.url, &Options::default()).await.unwrap()
    }

    /// Another program on the same database and root key, with this patience.
    pub(crate) async fn second_store(&self, patience: Duration) -> Store {
        let root = FileRoot::open_or_create(&self.directory.path().join("root.key"), &self.world).unwrap();
        let options = Options { patience, ..Options::default() };
        let engine = countersign_store::open(&self.url, &options).await.unwrap();
        Store::new(engine, KeyRing::new(Arc::new(root)), self.world.clone())
    }

    pub(crate) fn a(&self) -> Tenant<'_> {
        self.store.tenant(self.a)
    }

    pub(crate) fn b(&self) -> Tenant<'_> {
        self.store.tenant(self.b)
    }

    /// Runs the writes in a transaction of tenant A and commits.
    pub(crate) async fn write<T>(&self, writes: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>) -> T {
        self.write_as(self.a, writes).await
    }

    /// The same for any tenant.
    pub(crate) async fn write_as<T>(
        &self,
        tenant: TenantId,
        writes: impl AsyncFnOnce(&mut Tx) -> Result<T, StoreError>,
    ) -> T {
        let mut tx = self.store.tenant(tenant).begin().await.unwrap();
        let done = writes(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        done
    }

    /// Plans one thing in this tenant, and does it: whether it changed something.
    pub(crate) async fn made(&self, tenant: TenantId, put: impl FnOnce(&mut Plan<'_>) -> Planned) -> bool {
        let mut plan = self.store.tenant(tenant).plan();
        let step = put(&mut plan);
        match plan.commit().await.unwrap() {
            Outcome::Committed(changes) => changes.made(step),
            Outcome::RolledBack(_) => false,
        }
    }

    pub(crate) fn id<K: Kind>(&self) -> Id<K> {
        Id::new(self.world.now(), self.world.random.as_ref())
    }

    pub(crate) fn new_user(&self, name: &str) -> UserRow {
        UserRow {
            id: self.id(),
            username: name.to_owned(),
            realname: "A. Person".to_owned(),
            firstname: "A.".to_owned(),
            lastname: "Person".to_owned(),
            email: format!("{name}@example.test"),
            notes: String::new(),
            status: "active".to_owned(),
            failures: 0,
            locked_at: None,
            deleted_at: None,
            last_login: None,
            created: NOW,
            attributes: "{}".to_owned(),
            passkeys: 0,
        }
    }

    pub(crate) fn new_group(&self, name: &str) -> GroupRow {
        GroupRow {
            id: self.id(),
            name: name.to_owned(),
            description: "those".to_owned(),
            status: "active".to_owned(),
            created: NOW,
        }
    }

    pub(crate) fn new_phone(&self) -> PhoneRow {
        PhoneRow {
            id: self.id(),
            number: Some(vec![1, 2, 3]),
            tail: Some(vec![4]),
            extension: String::new(),
            name: "mine".to_owned(),
            r#type: "mobile".to_owned(),
            platform: "google android".to_owned(),
            model: String::new(),
            predelay: 0,
            postdelay: 0,
            public_key: None,
            device_name: String::new(),
            last_seen: None,
            sms_sent: 0,
            last_used: None,
            created: NOW,
        }
    }

    pub(crate) fn new_token(&self, serial: &str) -> TokenRow {
        TokenRow {
            id: self.id(),
            r#type: "t6".to_owned(),
            serial: serial.to_owned(),
            seed: vec![9; 20],
            digits: 6,
            period: 30,
            counter: 7,
            drift: 0,
            last_used: None,
            created: NOW,
        }
    }

    pub(crate) fn new_integration(&self, ikey: &str) -> IntegrationRow {
        IntegrationRow {
            ikey: ikey.to_owned(),
            name: "ssh".to_owned(),
            r#type: "unix".to_owned(),
            secret: vec![5; 40],
            signature_v1: true,
            normalization: "Simple".to_owned(),
            policy: None,
            settings: "{}".to_owned(),
            created: NOW,
        }
    }

    pub(crate) fn new_policy(&self, name: &str, is_global: bool) -> PolicyRow {
        PolicyRow { id: self.id(), name: name.to_owned(), is_global, sections: "{}".to_owned(), created: NOW }
    }

    pub(crate) fn new_auth_log(&self, at: Millis, result: &str) -> AuthLogRow {
        AuthLogRow {
            id: LogId::new(at, self.world.random.as_ref()),
            at,
            user_id: None,
            username: "narroway".to_owned(),
            ikey: "DI".to_owned(),
            factor: "passcode".to_owned(),
            result: result.to_owned(),
            reason: String::new(),
            ip: "192.0.2.1".to_owned(),
            device: String::new(),
            detail: "{}".to_owned(),
        }
    }

    pub(crate) fn new_admin_log(&self, at: Millis) -> AdminLogRow {
        AdminLogRow {
            id: LogId::new(at, self.world.random.as_ref()),
            at,
            actor: "DI".to_owned(),
            action: "user_create".to_owned(),
            object: "narroway".to_owned(),
            detail: "{}".to_owned(),
        }
    }

    pub(crate) fn new_message(&self, day: i64, channel: &str) -> MessageRow {
        MessageRow {
            id: MessageId::new(Millis(day * 86_400_000), self.world.random.as_ref()),
            day,
            channel: channel.to_owned(),
            supplier: "one".to_owned(),
            purpose: "authentication".to_owned(),
            state: "queued".to_owned(),
            billing_class: "1".to_owned(),
            error_class: String::new(),
            user_mark: vec![1; 8],
            receipt: None,
            sealed: Some(vec![0; 64]),
            txid: None,
        }
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.user_of(self.a, name).await
    }

    pub(crate) async fn user_of(&self, tenant: TenantId, name: &str) -> UserId {
        let user = self.new_user(name);
        self.write_as(tenant, async |tx| tx.insert_user(&user, &user_name(name), &[]).await).await;
        user.id
    }

    pub(crate) async fn group(&self, name: &str) -> GroupId {
        let group = self.new_group(name);
        self.write(async |tx| tx.insert_group(&group).await).await;
        group.id
    }

    pub(crate) async fn phone(&self) -> PhoneId {
        let phone = self.new_phone();
        self.write(async |tx| tx.insert_phone(&phone).await).await;
        phone.id
    }

    pub(crate) async fn token(&self, serial: &str) -> TokenId {
        let token = self.new_token(serial);
        self.write(async |tx| tx.insert_token(&token).await).await;
        token.id
    }

    pub(crate) async fn policy(&self, name: &str) -> PolicyId {
        let policy = self.new_policy(name, false);
        self.write(async |tx| tx.insert_policy(&policy).await).await;
        policy.id
    }

    pub(crate) async fn integration(&self, ikey: &str) {
        let integration = self.new_integration(ikey);
        self.write(async |tx| tx.insert_integration(&integration).await).await;
    }
}

pub(crate) async fn new_tenant(store: &Store, world: &World, name: &str) -> TenantId {
    let id = TenantId::new(world.now(), world.random.as_ref());
    let row = TenantRow {
        id,
        name: name.to_owned(),
        api_host: format!("api-{name}.example.test"),
        created: NOW,
        settings: "{}".to_owned(),
        log_key: None,
    };
    store.create_tenant(&row).await.unwrap();
    id
}

pub(crate) fn user_name(name: &str) -> UserName {
    UserName::new(name, Normalization::None).unwrap()
}

/// Every site has its own chance, so that ids of two never meet.
fn fresh_seed() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed) << 32
}
