//! The program as a process over a database that the test knows, and a client of it.

use crate::support::{
    database::Database,
    organisation::checks,
    signing::{Keys, Version, sign},
};
use auth::Auth;
use countersign_e2e::{
    engines::{Engine, wanted},
    postgres::Postgres,
};
use directory::Directory;
use keys::{FileRoot, KeyRing};
use messaging::Courier;
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use store::{Options, Store};
use types::World;

/// A scratch directory with a database, which several processes open one after the other or at once.
pub(crate) struct Site {
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) database: Database,
}

/// The floors on a site, in this process.
pub(crate) struct House {
    pub(crate) directory: Directory,
    pub(crate) auth: Arc<Auth>,
}

/// The test on each engine of this run. A PostgreSQL server that the test may kill is its own.
pub(crate) fn each_engine(own: bool, test: impl AsyncFn(&Site, Option<&'static Postgres>)) {
    for engine in wanted().unwrap() {
        let scratch = tempfile::tempdir().unwrap();
        let server = match engine {
            Engine::Sqlite => None,
            // Leaked: it ends with this process, by its guard.
            Engine::Postgres if own => Some(&*Box::leak(Box::new(Postgres::start().unwrap()))),
            Engine::Postgres => Some(Postgres::shared()),
        };
        let database = match server {
            None => Database::Sqlite(scratch.path().join("countersign.db")),
            Some(server) => Database::fresh(server),
        };
        let site = Site { scratch, database };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test(&site, server));
    }
}

impl Site {
    pub(crate) fn log(&self) -> PathBuf {
        self.scratch.path().join("log")
    }

    /// Opens the floors here.
    pub(crate) async fn open(&self) -> House {
        let world = World::real();
        let root = FileRoot::open_or_create(&self.scratch.path().join("root.key"), &world).unwrap();
        let engine = store::open(&self.database.url(), &Options::default()).await.unwrap();
        let store = Arc::new(Store::new(engine, KeyRing::new(Arc::new(root)), world));
        let courier = Arc::new(Courier::new(Arc::clone(&store), Vec::new()));
        House { directory: Directory::new(Arc::clone(&store), checks()), auth: Auth::start(store, courier) }
    }

    /// Starts the program; returns when it serves.
    pub(crate) async fn serve(&self, more: &[(&str, &str)]) -> Program {
        // One log over all starts: what was ever written is searched.
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let before = log.metadata().unwrap().len();
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
            command.env_remove(name);
        }
        let process = command
            .arg("serve")
            .current_dir(self.scratch.path())
            .env("COUNTERSIGN_DATA__DIR", self.scratch.path())
            .env("COUNTERSIGN_STORE__URL", self.database.url())
            .env("COUNTERSIGN_SERVER__LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_LOG__FORMAT", "json")
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("the program");
        let mut program = Program { process, base: String::new(), http: reqwest::Client::new() };
        for _ in 0..1500 {
            let text = written(&self.log(), before);
            if let Some((_, rest)) = text.split_once("\"address\":\"127.0.0.1:") {
                let port = rest.split('"').next().unwrap();
                program.base = format!("https://localhost:{port}");
                program.http = client(&self.scratch.path().join("tls/ca.pem"));
                return program;
            }
            assert!(program.process.try_wait().unwrap().is_none(), "it ended: {text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it doesn't serve: {}", written(&self.log(), before));
    }
}

fn written(log: &Path, from: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(log).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn client(ca: &Path) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]).no_proxy().timeout(Duration::from_secs(20));
    client.build().unwrap()
}

/// The program, serving until it is dropped or killed.
pub(crate) struct Program {
    process: Child,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
}

impl Program {
    /// Ends it as the kernel would when memory runs out.
    pub(crate) fn kill9(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Somebody who can call it from another task.
    pub(crate) fn caller(&self) -> Caller {
        Caller { base: self.base.clone(), http: self.http.clone() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client of the program.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
}

impl Caller {
    /// Sends a signed call: status and body. Nothing when there was no answer.
    pub(crate) async fn call(
        &self,
        keys: &Keys,
        version: Version,
        (method, path): (&str, &str),
        params: &[(String, String)],
    ) -> Option<(u16, Value)> {
        let signed = sign(keys, version, method, path, params, World::real().now());
        let method = reqwest::Method::from_bytes(signed.method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{}", self.base, signed.target)).body(signed.body);
        // The client's own Host, as behind a proxy: the tenant's name was signed, and is known to the server.
        for (name, value) in signed.headers.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
