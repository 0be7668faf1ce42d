//! The doctor: what it finds, what it says to do, and that it changes nothing.

use super::support::{House, block_on, countersign, done, path, run};
use std::{io::Write as _, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path};

/// On a port of its own, since other tests and servers have theirs.
fn doctor(dir: &Path, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = countersign(dir, &["doctor"]);
    command.env("COUNTERSIGN_SERVER__LISTEN", "127.0.0.1:0");
    for (name, value) in settings {
        command.env(name, value);
    }
    run(&mut command)
}

fn made() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    block_on(async {
        let house = House::open(&dir).await;
        house.tenant("acme").await;
        house.stop();
    });
    // One file, once the threads that had it open have ended.
    for _ in 0..100 {
        if store::sqlite_file::settle(&dir.join("countersign.db")).is_ok() {
            return scratch;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the database is still open");
}

fn has(text: &str, level: &str, what: &str, words: &str) {
    let line = |line: &&str| line.starts_with(level) && line.contains(what) && line.contains(words);
    assert!(text.lines().any(|one| line(&one)), "no {level} {what} {words} in:\n{text}");
}

#[test]
fn before_the_first_start_all_is_well_and_nothing_is_made() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let (ok, text) = doctor(&dir, &[]);
    assert!(ok, "{text}");
    for what in ["data directory", "root key", "database", "certificate"] {
        has(&text, "ok", what, "first start makes");
    }
    has(&text, "warn", "configuration", "server.api_hosts is not set");
    has(&text, "ok", "metadata", "none is configured");
    assert!(!dir.exists());
}

#[test]
fn a_sound_house_is_told_so() {
    let scratch = made();
    let (ok, text) = doctor(&scratch.path().join("data"), &[("COUNTERSIGN_SERVER__API_HOSTS", "api-1.example.com")]);
    assert!(ok, "{text}");
    has(&text, "ok", "configuration", "api-1.example.com");
    has(&text, "ok", "data directory", "mode 700");
    has(&text, "ok", "root key", "for its owner only, 1 keys");
    has(&text, "ok", "database", "sound, 1 tenants");
    has(&text, "ok", "disk", "MB free");
    has(&text, "ok", "port", "is free");
}

#[test]
fn what_is_open_to_others_missing_or_foreign_fails() {
    let scratch = made();
    let dir = scratch.path().join("data");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&dir, 0o777);
    mode(&dir.join("root.key"), 0o644);
    let (ok, text) = doctor(&dir, &[]);
    assert!(!ok);
    has(&text, "FAIL", "data directory", "chmod 700");
    has(&text, "FAIL", "root key", "set it to 600");
    mode(&dir, 0o700);
    mode(&dir.join("root.key"), 0o600);

    let kept = scratch.path().join("kept.key");
    std::fs::rename(dir.join("root.key"), &kept).unwrap();
    let (ok, text) = doctor(&dir, &[]);
    assert!(!ok);
    has(&text, "FAIL", "root key", "put the copy of it back");
    assert!(!dir.join("root.key").exists(), "the doctor made a root key");

    // Another house's key.
    let other = made();
    std::fs::copy(other.path().join("data/root.key"), dir.join("root.key")).unwrap();
    let (ok, text) = doctor(&dir, &[]);
    assert!(!ok);
    has(&text, "FAIL", "root key", "the database needs file:");
    std::fs::copy(&kept, dir.join("root.key")).unwrap();
    assert!(doctor(&dir, &[]).0);

    done(&dir, &["keys", "add-root"]);
    let (ok, text) = doctor(&dir, &[]);
    assert!(ok, "{text}");
    has(&text, "warn", "root key", "countersign keys rewrap");
}

#[test]
fn metadata_that_would_not_be_taken_fails() {
    let scratch = made();
    let dir = scratch.path().join("data");
    let (blob, roots) = (scratch.path().join("blob.jwt"), scratch.path().join("roots.pem"));
    let files = [("COUNTERSIGN_FIDO__METADATA_FILE", path(&blob)), ("COUNTERSIGN_FIDO__ROOTS_FILE", path(&roots))];
    let (ok, text) = doctor(&dir, &files);
    assert!(!ok);
    has(&text, "FAIL", "metadata", "roots.pem: No such file");
    std::fs::write(&roots, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    has(&doctor(&dir, &files).1, "FAIL", "metadata", "roots.pem: the metadata's root certificate can't be read");
    let mut check = countersign(&dir, &["fido", "check", path(&blob)]);
    for (name, value) in files {
        check.env(name, value);
    }
    let (ok, text) = run(&mut check);
    assert!(!ok && text.contains("root certificate can't be read"), "{text}");
    let (ok, text) = run(&mut countersign(&dir, &["fido", "show"]));
    assert!(!ok && text.contains("fido.metadata_file and fido.roots_file are not set"), "{text}");
}

#[test]
fn a_damaged_database_is_found() {
    let scratch = made();
    let dir = scratch.path().join("data");
    let database = dir.join("countersign.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // A page behind the first, in every byte.
    bytes[8192..12_288].fill(0x55);
    std::fs::write(&database, bytes).unwrap();
    let (ok, text) = doctor(&dir, &[]);
    assert!(!ok, "{text}");
    has(&text, "FAIL", "database", "restore a backup");
}

#[test]
fn ports_certificates_and_what_is_outside_are_tried() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("data");
    let (web, mail) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (web_port, mail_port) = (web.local_addr().unwrap().port(), mail.local_addr().unwrap().port().to_string());
    let free = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap().port()
    };
    std::thread::spawn(move || {
        for stream in mail.incoming() {
            let _ = stream.unwrap().write_all(b"220 mail.example.com ESMTP\r\n");
        }
    });
    let key = scratch.path().join("none.pem");
    let (ok, text) = doctor(
        &dir,
        &[
            ("COUNTERSIGN_SERVER__LISTEN", &format!("127.0.0.1:{web_port}")),
            ("COUNTERSIGN_TLS__MODE", "files"),
            ("COUNTERSIGN_TLS__CERT_FILE", path(&key)),
            ("COUNTERSIGN_TLS__KEY_FILE", path(&key)),
            ("COUNTERSIGN_SMTP__HOST", "127.0.0.1"),
            ("COUNTERSIGN_SMTP__PORT", &mail_port),
            ("COUNTERSIGN_SMTP__FROM", "mfa@example.com"),
            ("COUNTERSIGN_SUPPLIER__BASE_URL", &format!("http://127.0.0.1:{free}")),
            ("COUNTERSIGN_SUPPLIER__ACCOUNT_SID", "AC00000000000000000000000000000000"),
            ("COUNTERSIGN_SUPPLIER__TOKEN", "s3cret"),
            ("COUNTERSIGN_SUPPLIER__FROM", "+12025550100"),
        ],
    );
    assert!(!ok && !text.contains("s3cret"), "{text}");
    has(&text, "warn", "port", "is taken");
    has(&text, "FAIL", "certificate", "none.pem");
    has(&text, "ok", "mail server", "answers");
    has(&text, "FAIL", "supplier", "Connection refused");
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_only_finding() {
    let scratch = tempfile::tempdir().unwrap();
    let (ok, text) = doctor(scratch.path(), &[("COUNTERSIGN_SERVER__LISTN", "x")]);
    assert!(!ok);
    has(&text, "FAIL", "configuration", "can't be used");
    assert!(text.contains("did you mean `server.listen`?"), "{text}");
    assert!(!text.contains("database"), "{text}");
}
