//! A door with two organisations behind it, and a channel that keeps what was sent.

use axum::{Router, body::Body};
use countersign_messaging_api::{Api, Options, TOKEN_TYPE, account_sid, router};
use data_encoding::BASE64;
use directory::{Checks, Directory, NewIntegration, NewTenant};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{Channel, Courier, Outbox, Print};
use serde_json::Value;
use std::{path::Path, sync::Arc, time::Duration};
use store::Store;
use tempfile::TempDir;
use tower::ServiceExt as _;
use types::{ManualClock, Millis, World};

pub(crate) const NOW: Millis = Millis(1_795_280_601_805);

/// An organisation, and its account's token.
pub(crate) struct Account {
    pub(crate) sid: String,
    pub(crate) token: String,
    pub(crate) host: String,
}

pub(crate) struct House {
    pub(crate) a: Account,
    pub(crate) b: Account,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    scratch: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    pub(crate) fn code(&self) -> i64 {
        self.body["code"].as_i64().unwrap_or(0)
    }
}

async fn account(directory: &Directory, name: &str) -> Account {
    let new = NewTenant { name: name.to_owned(), api_host: format!("api-{name}.example.org"), ..NewTenant::default() };
    let row = directory.create_tenant(&new, "setup").await.unwrap();
    let new = NewIntegration { name: name.to_owned(), r#type: TOKEN_TYPE.to_owned(), ..NewIntegration::default() };
    let (_, keys) = directory.tenant(row.id, "setup").create_integration(&new).await.unwrap();
    let token = keys.secret.text().expose().to_owned();
    Account { sid: account_sid(row.id), token, host: row.api_host }
}

impl House {
    pub(crate) async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (world, clock) = World::made(NOW, 11);
        let world = World { random: World::real().random, ..world };
        let root = FileRoot::open_or_create(&scratch.path().join("root.key"), &world).unwrap();
        let url = format!("sqlite:{}", scratch.path().join("store.db").display());
        let engine = store::open(&url, &store::Options::default()).await.unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let days = DayKeys::open_or_create(&scratch.path().join("log-days.key"), &ring, &world).unwrap();
        let marks = DayKeys::open_or_create(&scratch.path().join("log-marks.key"), &ring, &world).unwrap();
        let store = Store::new(engine, ring, world).with_day_keys(Arc::new(days));
        let store = Arc::new(store.with_mark_keys(Arc::new(marks)));
        let print = Arc::new(Print::quiet());
        let outbox = print.outbox();
        let courier = Arc::new(Courier::new(Arc::clone(&store), vec![print as Arc<dyn Channel>]));
        let auth = auth::Auth::start(Arc::clone(&store), courier);
        let checks = Checks {
            policy: |_, _| Ok(()),
            settings: |_| Ok(()),
            operator_delay: |_| Some(Duration::from_secs(86_400)),
        };
        let directory = Directory::new(Arc::clone(&store), checks);
        let (a, b) = (account(&directory, "a").await, account(&directory, "b").await);
        let api = Api::start(&auth, Options::default()).unwrap();
        Self { a, b, outbox, clock, router: router(&api), scratch }
    }

    /// A request as it is, with these headers.
    pub(crate) async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        Reply { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// A request by an account.
    pub(crate) async fn ask(&self, who: &Account, method: &str, path: &str, form: &[(&str, &str)]) -> Reply {
        let basic = format!("Basic {}", BASE64.encode(format!("{}:{}", who.sid, who.token).as_bytes()));
        let headers = [
            (header::AUTHORIZATION.as_str(), basic.as_str()),
            (header::HOST.as_str(), who.host.as_str()),
            (header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"),
        ];
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.raw(method, path, &headers, body.into_bytes()).await
    }

    /// Posts a form, and expects that something is made.
    pub(crate) async fn make(&self, who: &Account, path: &str, form: &[(&str, &str)]) -> Reply {
        let reply = self.ask(who, "POST", path, form).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{path}: {}", reply.body);
        reply
    }

    /// Where the database's files are.
    pub(crate) fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The code in the last message.
    pub(crate) fn code(&self) -> String {
        let text = self.outbox.take().pop().expect("a message").text;
        let text = text.expose();
        let word = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        word.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }
}
