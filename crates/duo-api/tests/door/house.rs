//! The door over the engine, with two organisations, on each engine in turn.

use crate::support::{
    database::Database,
    organisation::{Organisation, checks},
    signing::{Keys, Signed, Version, sign},
};
use auth::{Answer, Auth, AuthError, Client, DeviceProof};
use axum::{Router, body::Body};
use countersign_duo_api::{Door, router};
use countersign_e2e::{
    engines::{self, wanted},
    postgres::Postgres,
};
use directory::{Directory, SettingsFields};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use keys::{FileRoot, KeyRing};
use messaging::{Courier, Outbox, Print};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use store::{Options, Store};
use tempfile::TempDir;
use tower::ServiceExt;
use types::{AttemptId, ManualClock, Millis, World};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);

pub(crate) struct House {
    pub(crate) directory: Directory,
    pub(crate) store: Arc<Store>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) router: Router,
    pub(crate) world: World,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) outbox: Outbox,
    pub(crate) a: Organisation,
    pub(crate) b: Organisation,
    pub(crate) database: Database,
    pub(crate) scratch: TempDir,
}

/// Settings for tests of one thing: prompts follow each other at once, nobody is locked out.
pub(crate) fn patient() -> SettingsFields {
    let settings = SettingsFields::default().with("prompt_spacing", 0).unwrap();
    settings.with("lockout_threshold", 9999).unwrap()
}

/// Runs the test on each engine of this run.
pub(crate) fn each_engine(settings: SettingsFields, test: impl AsyncFn(&House)) {
    for engine in wanted().unwrap() {
        on(engine, settings.clone(), &test);
    }
}

/// Runs the test on one engine, if it is among those of this run.
pub(crate) fn on_engine(only: engines::Engine, settings: SettingsFields, test: impl AsyncFn(&House)) {
    if wanted().unwrap().contains(&only) {
        on(only, settings, &test);
    }
}

fn on(engine: engines::Engine, settings: SettingsFields, test: &impl AsyncFn(&House)) {
    block_on(async {
        let scratch = tempfile::tempdir().unwrap();
        let database = match engine {
            engines::Engine::Sqlite => Database::Sqlite(scratch.path().join("store.db")),
            engines::Engine::Postgres => Database::fresh(Postgres::shared()),
        };
        let house = House::build(scratch, database, settings).await;
        test(&house).await;
    });
}

pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

/// What duo_unix can read of BSON, as JSON.
fn json(value: bson::Bson) -> Value {
    match value {
        bson::Bson::String(text) => text.into(),
        bson::Bson::Int32(number) => number.into(),
        bson::Bson::Document(inner) => inner.into_iter().map(|(name, value)| (name, json(value))).collect(),
        other => panic!("duo_unix can't read {other:?}"),
    }
}

/// An answer, with its body read by a foreign reader of its encoding.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) value: Value,
}

impl Reply {
    pub(crate) async fn of(router: &Router, request: Request<Body>) -> Self {
        let head = request.method() == http::Method::HEAD;
        let answer = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let value = match parts.headers.get("content-type").map(|kind| kind.to_str().unwrap()) {
            _ if head => Value::Null,
            Some("application/json") => serde_json::from_slice(&bytes).unwrap(),
            Some("application/bson") => json(bson::Document::from_reader(&mut bytes.as_slice()).unwrap().into()),
            _ => Value::Null,
        };
        Self { status: parts.status, headers: parts.headers, bytes, value }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// `response.result`, or nothing.
    pub(crate) fn result(&self) -> &str {
        self.value["response"]["result"].as_str().unwrap_or_default()
    }

    /// One of the response's texts.
    pub(crate) fn said(&self, name: &str) -> &str {
        self.value["response"][name].as_str().unwrap_or_default()
    }

    /// The code of a refusal, or 0.
    pub(crate) fn code(&self) -> i64 {
        self.value["code"].as_i64().unwrap_or(0)
    }

    /// Whether somebody is let in by this answer, in the eyes of any client.
    pub(crate) fn lets_in(&self) -> bool {
        self.result() == "allow" || self.status.is_server_error()
    }

    /// Asserts that this is a refusal as Duo's clients read it: a code whose first digits are the status, a message, a detail.
    pub(crate) fn assert_refused(&self, what: &str) {
        assert_eq!(self.value["stat"], "FAIL", "{what}: {self:?}");
        assert_eq!(self.code() / 100, i64::from(self.status.as_u16()), "{what}: {self:?}");
        for name in ["message", "message_detail"] {
            assert!(self.value[name].as_str().is_some_and(|text| !text.is_empty()), "{what}: no {name}: {self:?}");
        }
        assert!(self.status.is_client_error(), "{what}: {self:?}");
    }
}

/// As the router takes it. A header or target that HTTP has no place for is no request.
pub(crate) fn request(signed: &Signed) -> Option<Request<Body>> {
    let mut request = Request::builder().method(signed.method.as_str()).uri(&signed.target);
    for (name, value) in &signed.headers {
        request = request.header(name, value);
    }
    request.body(Body::from(signed.body.clone())).ok()
}

impl House {
    pub(crate) async fn build(scratch: TempDir, database: Database, settings: SettingsFields) -> Self {
        let (world, clock) = World::made(NOW, 7);
        // Ids and keys of two tests in one process must differ.
        let world = World { random: World::real().random, ..world };
        let (store, auth, router, print) = open(&scratch, &database, &world).await;
        let directory = Directory::new(Arc::clone(&store), checks());
        let a = Organisation::make(&directory, &auth, "alfa", 1, settings.clone()).await;
        let b = Organisation::make(&directory, &auth, "bravo", 2, settings).await;
        let outbox = print.outbox();
        // Each person was told of their new authenticator, by mail and then on the telephone.
        for told in [&a, &b] {
            outbox.wait_for(&told.number, Duration::from_secs(30)).await.expect("a notice");
        }
        drop(outbox.take());
        Self { outbox, directory, store, auth, router, world, clock, a, b, database, scratch }
    }

    /// The same house after a restart of the program: what was only in memory is gone.
    pub(crate) async fn restarted(&self) -> (Arc<Auth>, Router) {
        let (_, auth, router, _) = open(&self.scratch, &self.database, &self.world).await;
        (auth, router)
    }

    /// Sends a signed call.
    pub(crate) async fn call(
        &self,
        keys: &Keys,
        version: Version,
        (method, path): (&str, &str),
        params: &[(String, String)],
    ) -> Reply {
        self.send(&sign(keys, version, method, path, params, self.world.now())).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, signed: &Signed) -> Reply {
        Reply::of(&self.router, request(signed).expect("a request")).await
    }

    /// The owner of `organisation`'s device answers.
    pub(crate) async fn answer(&self, from: &Organisation, id: AttemptId, answer: Answer) -> Result<bool, AuthError> {
        let signed = b"whatever the authenticator's door binds";
        let signature = from.device.sign(signed);
        let proof =
            DeviceProof { tenant: from.id, phone: from.phone, at: self.world.now(), signed, signature: &signature };
        let device = self.auth.verify_device(&proof).await?;
        self.auth.answer(&device, id, answer).await
    }

    /// Begins a push and gives its id with the code that the sign-in shows.
    pub(crate) async fn push(&self, of: &Organisation) -> (AttemptId, String) {
        let params = crate::support::signing::pairs(&[
            ("username", &of.username),
            ("factor", "push"),
            ("device", "auto"),
            ("async", "1"),
        ]);
        let begun = self.call(&of.app, Version::V5, ("POST", "/auth/v2/auth"), &params).await;
        let id: AttemptId = begun.said("txid").parse().unwrap_or_else(|_| panic!("{begun:?}"));
        let app = self.auth.applications().get(&of.app.ikey).await.unwrap().unwrap();
        match self.auth.wait(&app, id, Duration::from_millis(50)).await.unwrap() {
            auth::Progress::Waiting { message, .. } => (id, message.chars().filter(char::is_ascii_digit).collect()),
            auth::Progress::Finished(outcome) => panic!("{}", outcome.message),
        }
    }
}

async fn open(scratch: &TempDir, database: &Database, world: &World) -> (Arc<Store>, Arc<Auth>, Router, Arc<Print>) {
    let root = FileRoot::open_or_create(&scratch.path().join("root.key"), world).unwrap();
    let engine = store::open(&database.url(), &Options::default()).await.unwrap();
    let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world.clone()));
    let print = Arc::new(Print::quiet());
    let courier = Arc::new(Courier::new(Arc::clone(&store), vec![print.clone()]));
    let auth = Auth::start(Arc::clone(&store), courier);
    let door = Arc::new(Door::new(Arc::clone(&auth), Vec::new(), Duration::from_millis(300)));
    (store, auth, router(&door), print)
}

/// Nothing is known of where the person is.
pub(crate) fn nowhere() -> Client {
    Client::default()
}
