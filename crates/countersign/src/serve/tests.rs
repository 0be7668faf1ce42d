//! The server as clients meet it: real sockets, real TLS. Foreign clients are in this crate's `tests/`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::ConnectInfo,
    response::Response,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_rustls::client::TlsStream;
use types::World;

use super::*;
use crate::{
    config::{Config, Settings},
    telemetry::Registry,
    tls::{self, Tls},
};

/// A running server with its own authority.
struct Running {
    address: SocketAddr,
    metrics: SocketAddr,
    ca: String,
    shutdown: Shutdown,
    serving: JoinHandle<Stopped>,
    ready: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
}

const LIMITS: &str = "body_bytes = 2048\nheader_bytes = 4096\nheader_seconds = 1\nbody_seconds = 1\nhandshake_seconds = 1\n\
                      request_seconds = 11\nlong_poll_seconds = 1\nidle_seconds = 3\n";

async fn start(more: &str) -> Running {
    let dir = tempfile::tempdir().expect("a directory");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntrusted_proxies = \"127.0.0.2/32\"\napi_hosts = \"api-1.example.com\"\ndrain_seconds = 5\n\
         [limits]\n{LIMITS}{more}\n[data]\ndir = {:?}\n[metrics]\nlisten = \"127.0.0.1:0\"\ntoken = \"t0ken\"\n",
        dir.path()
    );
    let settings = Settings::parse(std::path::Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"));
    let config = Config::from_settings(&settings).unwrap_or_else(|error| panic!("{error}"));
    let (world, registry, shutdown) = (World::real(), Registry::new(), Shutdown::new());
    let (_, reload) = tokio::sync::watch::channel(0);
    let tls = Tls::start(&config, &world, &registry, &shutdown, reload).await.unwrap_or_else(|error| panic!("{error}"));
    let server = Server::bind(&config, &tls, registry, &world).await.unwrap_or_else(|error| panic!("{error}"));
    let address = *server.addresses().first().expect("an address");
    let metrics = server.metrics_address().expect("an address");
    let ready = Arc::new(AtomicBool::new(true));
    let is_ready = ready.clone();
    let application = Application {
        router: router(&shutdown),
        ready: Arc::new(move || {
            let ready = is_ready.load(Ordering::SeqCst);
            Box::pin(async move { if ready { Ok(()) } else { Err("store") } })
        }),
        routes: Arc::new(|| "main (ready)\n".to_owned()),
        on_failure: Arc::new(|failed: Failed<'_>| {
            // As a door would: a denial at preauth, whatever broke.
            if failed.route == Some("/auth/v2/preauth") && failed.failure == Failure::Panic {
                return Response::new(r#"{"stat":"OK","response":{"result":"deny"}}"#.into());
            }
            failure::plain(failed)
        }),
    };
    let serving = tokio::spawn(server.run(application, shutdown.clone()));
    let ca = tls.ca_file().expect("an authority").to_str().expect("a path").to_owned();
    Running { address, metrics, ca, shutdown, serving, ready, _dir: dir }
}

fn router(shutdown: &Shutdown) -> Router {
    let stopping = shutdown.subscribe();
    let long_poll = move || {
        let mut stopping = stopping.clone();
        async move {
            let told = timeout(Duration::from_secs(10), stopping.wait_for(|stopping| *stopping)).await;
            if told.is_ok() { "told of the stop" } else { "nothing happened" }
        }
    };
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/who", get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.ip().to_string() }))
        .route("/poll", get(long_poll))
        .route("/auth/v2/preauth", post(boom))
        .route("/boom", get(boom))
        .route("/stuck", get(std::future::pending::<&'static str>))
}

async fn boom() -> &'static str {
    panic!("seed 123456")
}

impl Running {
    async fn connect(&self) -> TlsStream<TcpStream> {
        self.try_connect().await.expect("a connection")
    }

    async fn try_connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        tls::test_client(self.ca.as_ref(), self.address, "api-1.example.com").await
    }

    /// Sends, and reads until the server closes.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sent");
        read_all(&mut stream).await
    }

    async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).await.expect("connected");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("read");
        String::from_utf8(answer).expect("text")
    }

    async fn stop(self) -> Stopped {
        self.shutdown.begin();
        timeout(Duration::from_secs(10), self.serving).await.expect("stops").expect("no panic")
    }
}

async fn read_all<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    // An end without close_notify is an error to rustls; what came before it counts here.
    while let Ok(Ok(count @ 1..)) = timeout(Duration::from_secs(15), stream.read(&mut chunk)).await {
        answer.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(answer).expect("text")
}

fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: api-1.example.com\r\nconnection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn rustls_gets_an_answer_with_the_headers_that_every_answer_has() {
    let server = start("").await;
    let answer = server.ask(&get_request("/hello")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    for header in
        ["cache-control: no-store", "x-content-type-options: nosniff", "x-request-id: ", "strict-transport-security: "]
    {
        assert!(answer.contains(header), "no {header} in {answer}");
    }
    let absent = server.ask(&get_request("/absent")).await;
    assert!(absent.starts_with("HTTP/1.1 404 ") && absent.contains("x-request-id: "), "{absent}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_address_is_the_peers_unless_a_trusted_proxy_names_another() {
    let server = start("").await;
    let request = "GET /who HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.7\r\nconnection: close\r\n\r\n";
    assert!(server.ask(request).await.ends_with("\r\n\r\n127.0.0.1"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_answers_open_long_polls_and_closes_waiting_connections() {
    let server = start("").await;
    let mut quiet = server.connect().await;
    quiet.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let mut chunk = [0; 1024];
    assert!(quiet.read(&mut chunk).await.expect("an answer") > 0);
    let mut polls = Vec::new();
    for _ in 0..20 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /poll HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        polls.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    let (address, ready) = (server.address, get_request("/readyz"));
    let mut probe = server.connect().await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    // A client that was in the middle of connecting is still served, and a probe learns of the stop.
    probe.write_all(ready.as_bytes()).await.expect("sent");
    let answer = read_all(&mut probe).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("not ready: stopping\n"), "{answer}");
    for mut stream in polls {
        let answer = read_all(&mut stream).await;
        assert!(answer.ends_with("told of the stop"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(quiet.read(&mut chunk).await.unwrap_or(0), 0, "closed");
    assert_eq!(stopping.await.expect("joined"), Stopped { cut_off: 0 });
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_cuts_off_what_takes_longer_than_the_drain() {
    let server = start("").await;
    let mut stream = server.connect().await;
    stream.write_all(get_request("/stuck").as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    assert_eq!(server.stop().await, Stopped { cut_off: 1 });
    assert!((5..7).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_closed_at_each_stage_and_quick_ones_are_not() {
    let server = start("").await;
    let began = Instant::now();
    // No handshake; no request; half a request, then a byte at a time.
    let mut silent = TcpStream::connect(server.address).await.expect("connected");
    let mut fresh = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n").await.expect("sent");
    let mut quick = server.connect().await;
    let dripping = tokio::spawn(async move {
        let mut sent = 0;
        while slow.write_all(b"x").await.is_ok() && slow.flush().await.is_ok() {
            sent += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(sent < 80, "never closed");
        }
    });
    for _ in 0..5 {
        quick.write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        let mut chunk = [0; 1024];
        assert!(quick.read(&mut chunk).await.expect("an answer") > 0);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mut byte = [0; 1];
    assert_eq!(silent.read(&mut byte).await.unwrap_or(0), 0);
    assert_eq!(fresh.read(&mut byte).await.unwrap_or(0), 0);
    dripping.await.expect("closed");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    // And a connection that asked once is closed after `idle_seconds`.
    let idle = Instant::now();
    assert_eq!(quick.read(&mut byte).await.unwrap_or(0), 0);
    assert!((2..5).contains(&idle.elapsed().as_secs()), "{:?}", idle.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_headers_are_answered_431() {
    let server = start("").await;
    let request = format!("GET /hello HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "x".repeat(5000));
    let answer = server.ask(&request).await;
    assert!(answer.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_limited_in_size_and_time_however_they_are_framed() {
    let server = start("").await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let fits = "x".repeat(2048);
    let chunked = |body: &str| {
        let chunks: String =
            body.as_bytes().chunks(1000).map(|c| format!("{:x}\r\n{}\r\n", c.len(), "x".repeat(c.len()))).collect();
        format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    for request in [format!("{head}content-length: 2048\r\n\r\n{fits}"), chunked(&fits)] {
        let answer = server.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&fits), "{answer}");
    }
    let larger = "x".repeat(2049);
    let much_larger = "x".repeat(1_000_000);
    for request in [
        format!("{head}content-length: 2049\r\n\r\n{larger}"),
        chunked(&larger),
        // Announced, and the client waits to be told to go on: it is told not to.
        format!("{head}expect: 100-continue\r\ncontent-length: 1000000\r\n\r\n"),
        format!("{head}content-length: 1000000\r\n\r\n{much_larger}"),
    ] {
        let mut stream = server.connect().await;
        // A client that goes on sending into a closed connection fails to; what it is told counts.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = read_all(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("at most 2048 bytes are accepted"), "{answer}");
    }
    let mut stream = server.connect().await;
    stream.write_all(format!("{head}content-length: 10\r\n\r\nhalf").as_bytes()).await.expect("sent");
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let broken = server.ask(&format!("{head}transfer-encoding: chunked\r\n\r\nnonsense\r\n")).await;
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_words_what_a_panic_or_a_timeout_becomes_and_the_connection_lives() {
    let server = start("").await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST /auth/v2/preauth HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.expect("sent");
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk).await.expect("an answer");
    let answer = String::from_utf8_lossy(&chunk[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""result":"deny""#), "{answer}");
    stream.write_all(get_request("/boom").as_bytes()).await.expect("sent");
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(!answer.contains("seed") && !answer.contains("123456"), "{answer}");
    let began = Instant::now();
    let answer = server.ask(&get_request("/stuck")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!((10..13).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let metrics = server.metrics().await;
    assert!(metrics.contains("http_failures_total{failure=\"panic\"} 2"), "{metrics}");
    assert!(metrics.contains("http_failures_total{failure=\"timeout\"} 1"), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_answer_whom_they_may() {
    let server = start("").await;
    assert!(server.ask(&get_request("/healthz")).await.ends_with("alive\n"));
    assert!(server.ask(&get_request("/readyz")).await.ends_with("ready\n"));
    server.ready.store(false, Ordering::SeqCst);
    let answer = server.ask(&get_request("/readyz")).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("not ready: store\n"), "{answer}");
    for (authorization, status) in
        [("", 401), ("authorization: Bearer t0ke\r\n", 401), ("authorization: Bearer t0ken\r\n", 200)]
    {
        let request = format!("GET /metrics HTTP/1.1\r\nhost: x\r\n{authorization}connection: close\r\n\r\n");
        assert!(server.ask(&request).await.starts_with(&format!("HTTP/1.1 {status} ")), "{authorization}");
        let request = request.replace("/metrics", "/metrics/routes");
        let answer = server.ask(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(answer.ends_with("main (ready)\n"), status == 200, "{answer}");
    }
    server.ask(&get_request("/hello?passcode=123456")).await;
    server.ask(&get_request("/absent/alice")).await;
    let metrics = server.metrics().await;
    for line in [
        "http_requests_total{route=\"/hello\",method=\"GET\",status=\"200\"} 1",
        "http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"} 1",
        "http_request_seconds_count{route=\"/readyz\",method=\"GET\"} 2",
        "# TYPE tls_certificate_expiry_timestamp_seconds gauge",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
    assert!(!metrics.contains("123456") && !metrics.contains("alice"), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_lets_new_clients_in_by_closing_waiting_ones() {
    let server = start("connections = 16\n").await;
    let mut waiting = Vec::new();
    for _ in 0..64 {
        waiting.push(server.connect().await);
    }
    assert!(server.ask(&get_request("/hello")).await.ends_with("hello"));
    // So are those that announce a body and send half of it.
    let mut halves = Vec::new();
    for _ in 0..32 {
        let mut stream = server.connect().await;
        stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await.expect("sent");
        halves.push(stream);
    }
    assert!(server.ask(&get_request("/hello")).await.ends_with("hello"));
    drop(halves);
    // All sixteen busy: nobody can be closed, and the next one is turned away.
    drop(waiting);
    let mut busy = Vec::new();
    for _ in 0..16 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /poll HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        busy.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.try_connect().await.is_err());
    // The metrics listener's connections have places too.
    drop(busy.pop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.metrics().await.contains("http_connections_total{outcome=\"refused_full\"} 1"));
    server.stop().await;
}
