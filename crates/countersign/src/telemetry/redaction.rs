//! Secrets go through the whole stack with every log line switched on; none may come out.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, routing::post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use types::World;

use super::{Registry, dispatch};
use crate::{
    config::{Config, Log, LogFormat, Settings},
    serve::{Application, Server, Shutdown, failure},
    tls::Tls,
};

/// Everything that was written.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// In the query, the path, the body, and the headers; in the key that the handler is told to leak, for the control.
const SECRETS: [&str; 6] =
    ["s3cret-query", "s3cret-path", "s3cret-body", "s3cret-auth", "+15035550100", "s3cret-panic"];
const CONTROL: &str = "the-control-is-found";

async fn through_the_stack(format: LogFormat, captured: &Captured) {
    let dir = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = {:?}\n[metrics]\nlisten = \"127.0.0.1:0\"\n[log]\nfilter = \"trace\"\n",
        dir.path()
    );
    let settings = Settings::parse(std::path::Path::new("x"), &text).unwrap_or_else(|error| panic!("{error}"));
    let config = Config::from_settings(&settings).unwrap_or_else(|error| panic!("{error}"));
    let log = Log { format, filter: "trace".to_owned() };
    let subscriber = dispatch(&log, {
        let captured = captured.clone();
        move || captured.clone()
    })
    .expect("a subscriber");
    // One thread, so that what runs in the server's tasks is captured too.
    let _guard = tracing::dispatcher::set_default(&subscriber);
    let (world, registry, shutdown) = (World::real(), Registry::new(), Shutdown::new());
    let (_, reload) = tokio::sync::watch::channel(0);
    let tls = Tls::start(&config, &world, &registry, &shutdown, reload).await.unwrap_or_else(|error| panic!("{error}"));
    let server = Server::bind(&config, &tls, registry.clone(), &world).await.unwrap_or_else(|error| panic!("{error}"));
    let address = *server.addresses().first().expect("an address");
    let router = Router::new()
        .route(
            "/users/{name}",
            post(|body: Bytes| async move {
                tracing::trace!(length = body.len(), "{CONTROL}");
                "ok"
            }),
        )
        .route("/panic/{name}", post(|| async { panic!("s3cret-panic {}", "+15035550100") as &'static str }));
    let application = Application {
        router,
        ready: Arc::new(|| Box::pin(async { Ok(()) })),
        routes: Arc::new(String::new),
        on_failure: Arc::new(failure::plain),
    };
    let serving = tokio::spawn(server.run(application, shutdown.clone()));
    let ca = tls.ca_file().expect("an authority").clone();
    for path in ["/users/s3cret-path", "/panic/s3cret-path", "/absent/s3cret-path"] {
        let request = format!(
            "POST {path}?passcode=s3cret-query HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic s3cret-auth\r\n\
             x-forwarded-for: s3cret-auth\r\nuser-agent: s3cret-auth\r\ncontent-length: 25\r\nconnection: close\r\n\r\n\
             p=s3cret-body&n=+15035550100"
        );
        let mut stream = crate::tls::test_client(&ca, address, "localhost").await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 "), "{path}");
    }
    shutdown.begin();
    serving.await.expect("stops");
    let metrics = registry.render();
    for secret in SECRETS {
        assert!(!metrics.contains(secret), "{secret} in the metrics");
    }
}

#[tokio::test]
async fn no_secret_of_a_request_or_a_panic_reaches_the_log_or_the_metrics() {
    super::hide_panic_texts();
    for format in [LogFormat::Json, LogFormat::Text] {
        let captured = Captured::default();
        through_the_stack(format, &captured).await;
        let text = captured.text();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in the log:\n{text}");
        }
        // The control: the search does find what a handler wrote, and the log did speak of the requests and the panic.
        assert!(text.contains(CONTROL), "{text}");
        assert!(
            text.contains("/users/{name}") && text.contains("/panic/{name}") && text.contains("unmatched"),
            "{text}"
        );
        assert!(text.contains("a panic; its text is not logged") && text.contains("redaction.rs"), "{text}");
        assert!(text.contains("answered"), "{text}");
    }
}
