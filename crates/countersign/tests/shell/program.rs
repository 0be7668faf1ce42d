//! Its command line, configuration and signals.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::support::{Serving, countersign, run, wait_for};

fn in_a_directory(file: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("countersign.toml");
    std::fs::write(&path, file).expect("write");
    let path = path.to_str().expect("a path").to_owned();
    (dir, path)
}

#[test]
fn a_typing_mistake_in_the_file_or_the_environment_stops_the_start() {
    let (_dir, path) = in_a_directory("[server]\nlistn = \"127.0.0.1:1\"\n");
    let (ok, text) = run(countersign(&["--config", &path, "serve"]).env("COUNTERSIGN_TLS__MOED", "files"));
    assert!(!ok);
    assert!(text.contains("countersign.toml:2: unknown key `server.listn`; did you mean `server.listen`?"), "{text}");
    assert!(
        text.contains("environment COUNTERSIGN_TLS__MOED: unknown key `tls.moed`; did you mean `tls.mode`?"),
        "{text}"
    );
    let (ok, text) = run(&mut countersign(&["--config", "/nonexistent.toml", "config"]));
    assert!(!ok && text.contains("/nonexistent.toml: No such file"), "{text}");
}

#[test]
fn config_shows_what_holds_and_no_secret() {
    let (_dir, path) = in_a_directory("[metrics]\ntoken = \"s3cret\"\n[limits]\nconnections = 77\n");
    let (ok, text) =
        run(countersign(&["config"]).env("COUNTERSIGN_CONFIG", &path).env("COUNTERSIGN_LOG__FORMAT", "json"));
    assert!(ok, "{text}");
    for line in
        ["token = \"<redacted>\"", "connections = 77", "format = \"json\"  # environment COUNTERSIGN_LOG__FORMAT"]
    {
        assert!(text.contains(line), "no {line} in {text}");
    }
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let serving = Serving::start();
    let dir = tempfile::tempdir().expect("a directory");
    let address = format!("127.0.0.1:{}", serving.port);
    let (ok, text) = run(countersign(&["serve"]).current_dir(dir.path()).env("COUNTERSIGN_SERVER__LISTEN", &address));
    assert!(!ok && text.contains(&format!("can't listen on {address}: Address already in use")), "{text}");
}

#[test]
fn a_hangup_changes_nothing_and_a_termination_ends_with_success() {
    let mut serving = Serving::start();
    serving.signal("-HUP");
    std::thread::sleep(Duration::from_millis(200));
    assert!(serving.process.try_wait().expect("asked").is_none(), "a hangup ended it");
    // A connection without a request doesn't hold the stop up for long.
    let mut open = TcpStream::connect(("127.0.0.1", serving.port)).expect("connected");
    serving.signal("-TERM");
    let status = wait_for("the end", || serving.process.try_wait().expect("asked"));
    assert!(status.success(), "{status}");
    let _ = open.write_all(b"x");
    assert_eq!(open.read(&mut [0; 16]).unwrap_or(0), 0);
    let log = serving.log();
    assert!(
        log.contains("stopping") && log.trim_end().lines().last().is_some_and(|line| line.contains("stopped")),
        "{log}"
    );
}

#[test]
fn the_authoritys_certificate_is_for_everybody_and_its_keys_are_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let serving = Serving::start();
    for (file, mode) in [("ca.pem", 0o644), ("ca.key", 0o600), ("server.pem", 0o600)] {
        let found = std::fs::metadata(serving.file(file)).expect("meta").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
    assert!(serving.log().contains(serving.file("ca.pem").to_str().expect("a path")), "{}", serving.log());
}

/// Duo's clients let users in while connections are refused. With a socket that somebody else holds, none is.
#[test]
fn a_socket_that_is_handed_over_keeps_connections_waiting_over_a_restart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let first = Serving::on(Some(&listener));
    assert_eq!(first.port, port);
    let ask = "import ssl, sys, urllib.request as r; print(r.urlopen(f'https://localhost:{sys.argv[1]}/healthz', timeout=30, \
               context=ssl.create_default_context(cafile=sys.argv[2])).read().decode())";
    let client = |ca: &Path| {
        let mut command = Command::new("python3");
        command.args(["-c", ask, &port.to_string(), ca.to_str().expect("a path")]);
        command
    };
    let ca = first.file("ca.pem");
    assert_eq!(run(&mut client(&ca)).1, "alive\n\n", "the positive control");
    first.signal("-TERM");
    let dir = first.ended();
    // Nobody serves now; the client connects all the same, and waits.
    let waiting = client(&ca).stdout(Stdio::piped()).spawn().expect("python3");
    std::thread::sleep(Duration::from_millis(500));
    let _second = Serving::again(dir, Some(&listener));
    let said = waiting.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "alive\n\n");
}
