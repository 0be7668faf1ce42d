use std::{os::unix::fs::PermissionsExt as _, path::Path};

use types::Millis;

use super::*;

const NOW: Millis = Millis(1_795_000_000_000);

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_own_ca_is_made_once_and_its_keys_are_the_owners_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, _) = World::made(NOW, 1);
    let path = dir.path().join("tls");
    let ca = OwnCa::open(&path, names(&["api-1.example.com", "localhost", "127.0.0.1"]), world.clone()).expect("made");
    let (identity, new) = ca.identity().expect("an identity");
    assert!(new && identity.covers("api-1.example.com") && identity.covers("127.0.0.1"));
    assert!(!identity.covers("api-2.example.com"));
    assert!(identity.not_after.since(identity.not_before).as_secs() <= 398 * 86_400);
    let first = std::fs::read(ca.ca_file()).expect("ca.pem");
    let again = OwnCa::open(&path, names(&["api-1.example.com", "localhost", "127.0.0.1"]), world).expect("opened");
    assert!(!again.identity().expect("an identity").1);
    assert_eq!(std::fs::read(again.ca_file()).expect("ca.pem"), first);
    for file in ["ca.key", "server.pem"] {
        let mode = std::fs::metadata(path.join(file)).expect("meta").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_start_that_was_cut_off_between_key_and_certificate_is_taken_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, _) = World::made(NOW, 2);
    let ca = OwnCa::open(dir.path(), names(&["localhost"]), world.clone()).expect("made");
    std::fs::remove_file(ca.ca_file()).expect("remove");
    std::fs::write(dir.path().join("server.pem"), "half a fi").expect("write");
    let ca = OwnCa::open(dir.path(), names(&["localhost"]), world).expect("opened");
    assert!(ca.identity().expect("an identity").1);
}

#[test]
fn the_server_certificate_is_renewed_in_its_last_month_and_when_the_names_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, clock) = World::made(NOW, 3);
    let both = names(&["a.example.com", "b.example.com"]);
    let ca = OwnCa::open(dir.path(), both.clone(), world.clone()).expect("made");
    let (first, _) = ca.identity().expect("an identity");
    clock.set(Millis(first.not_after.0 - 31 * 86_400_000));
    assert!(!ca.identity().expect("an identity").1);
    clock.set(Millis(first.not_after.0 - 29 * 86_400_000));
    let (second, new) = ca.identity().expect("an identity");
    assert!(new && second.not_after > first.not_after);
    let fewer = OwnCa::open(dir.path(), names(&["a.example.com"]), world.clone()).expect("opened");
    assert!(!fewer.identity().expect("an identity").1, "a certificate for more names serves fewer too");
    // Exchanged by hand: the server's certificate of the old authority is of no use to the new one's clients.
    std::fs::remove_file(dir.path().join("ca.pem")).expect("remove");
    std::fs::remove_file(dir.path().join("ca.key")).expect("remove");
    assert!(OwnCa::open(dir.path(), both, world).expect("made").identity().expect("an identity").1);
}

#[test]
fn an_authority_made_for_other_names_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let (world, clock) = World::made(NOW, 4);
    let open = |wanted: &[&str]| OwnCa::open(dir.path(), names(wanted), world.clone()).map(|_| ());
    open(&["*.mfa.example.com", "localhost", "10.1.2.3"]).expect("made");
    for fine in ["api-1.mfa.example.com", "*.mfa.example.com", "localhost", "10.1.2.3"] {
        open(&[fine]).unwrap_or_else(|error| panic!("{fine}: {error}"));
    }
    for refused in ["example.com", "evilmfa.example.com", "10.1.2.4", "::1", "localhost.example.com"] {
        let error = open(&[refused]).expect_err(refused).to_string();
        assert!(error.contains(refused) && error.contains("ca.pem"), "{error}");
    }
    clock.advance(std::time::Duration::from_secs(3640 * 86_400));
    assert!(open(&["localhost"]).expect_err("run out").to_string().contains("run out"));
}

#[test]
fn a_key_of_another_authority_is_noticed() {
    let (one, two) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let (world, _) = World::made(NOW, 5);
    for dir in [&one, &two] {
        OwnCa::open(dir.path(), names(&["localhost"]), world.clone()).expect("made");
    }
    std::fs::copy(two.path().join("ca.key"), one.path().join("ca.key")).expect("copy");
    assert!(matches!(OwnCa::open(one.path(), names(&["localhost"]), world), Err(TlsError::Mismatch { .. })));
}

fn self_signed(dir: &Path, name: &str, host: &str) -> Files {
    let files = Files { cert: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
    let made = rcgen::generate_simple_self_signed(names(&[host])).expect("made");
    std::fs::write(&files.cert, made.cert.pem()).expect("write");
    std::fs::write(&files.key, made.signing_key.serialize_pem()).expect("write");
    files
}

#[test]
fn what_is_wrong_with_certificate_files_is_said_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let world = World::real();
    let good = self_signed(dir.path(), "good", "mfa.example.com");
    let other = self_signed(dir.path(), "other", "mfa.example.com");
    assert!(good.load(&[], &world).expect("loads").covers("mfa.example.com"));
    let fails = |cert: &Path, key: &Path| {
        let files = Files { cert: cert.to_owned(), key: key.to_owned() };
        files.load(&[], &world).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").expect("write");
    let missing = dir.path().join("missing.pem");
    let encrypted = dir.path().join("encrypted.pem");
    let pem = std::fs::read_to_string(&good.key).expect("read");
    std::fs::write(&encrypted, pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")).expect("write");
    assert!(fails(&missing, &good.key).contains("missing.pem: No such file"));
    assert!(fails(&empty, &good.key).contains("empty.pem: no certificate in it"));
    assert!(fails(&good.key, &good.key).contains("good.key: no certificate in it"));
    assert!(fails(&good.cert, &empty).contains("empty.pem: no private key in it"));
    assert!(fails(&good.cert, &encrypted).contains("encrypted.pem: the private key is encrypted"));
    assert!(fails(&good.cert, &other.key).contains("other.key: not the private key of the first certificate in"));
}

#[test]
fn a_pattern_covers_one_label() {
    let dir = tempfile::tempdir().expect("a directory");
    let identity = self_signed(dir.path(), "wild", "*.example.com").load(&[], &World::real()).expect("loads");
    assert!(identity.covers("a.example.com") && identity.covers("*.example.com"));
    for not in ["example.com", "a.b.example.com", "a.example.org", "*.a.example.com"] {
        assert!(!identity.covers(not), "{not}");
    }
}

#[tokio::test]
async fn files_are_read_again_when_told_and_a_broken_pair_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = self_signed(dir.path(), "live", "one.example.com");
    let next = self_signed(dir.path(), "next", "two.example.com");
    let hot = HotCertificate::new(Registry::new());
    hot.set(files.load(&[], &World::real()).expect("loads"));
    let shutdown = Shutdown::new();
    let (hangup, reload) = tokio::sync::watch::channel(0_u64);
    let keeper = tokio::spawn(files.clone().keep(hot.clone(), Vec::new(), World::real(), shutdown.clone(), reload));
    let covers = |name: &str| hot.current().is_some_and(|identity| identity.covers(name));

    std::fs::copy(&next.cert, &files.cert).expect("copy");
    hangup.send_modify(|count| *count += 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(covers("one.example.com"), "certificate and key don't match: the old pair stays");

    std::fs::copy(&next.key, &files.key).expect("copy");
    hangup.send_modify(|count| *count += 1);
    for _ in 0..100 {
        if covers("two.example.com") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(covers("two.example.com"));
    shutdown.begin();
    keeper.await.expect("ends with the stop");
}
