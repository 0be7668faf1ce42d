//! The root-key file: its permissions, its making by many at once, its damage.

use crate::support::{again, ring, ring_at, tenant, world};
use countersign_keys::{FileRoot, KeyError, KeyRing, RootKey};
use proptest::prelude::*;
use std::{
    env, fs,
    io::{self, Read as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    sync::Arc,
};
use types::{SecretBytes, World};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn write(path: &Path, text: &[u8]) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_is_made_once_for_its_owner_only_and_leaves_nothing_beside_it() {
    let (dir, path, ring) = ring();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(names(dir.path()), ["root.key"]);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("csroot1")).count(), 1);
    assert_eq!(ring_at(&path).root_id(), ring.root_id());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(!text.contains(ring.root_id()));
    FileRoot::add_key(&path, &World::real()).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(names(dir.path()), ["root.key"]);
}

#[test]
fn one_that_others_may_use_is_refused() {
    let (_dir, path, _) = ring();
    for bits in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
        assert!(matches!(FileRoot::open(&path), Err(KeyError::Permissions { mode, .. }) if mode == bits), "{bits:o}");
        assert!(FileRoot::open_or_create(&path, &World::real()).is_err(), "{bits:o}");
        assert!(FileRoot::add_key(&path, &World::real()).is_err(), "{bits:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(FileRoot::open(&path).is_ok());
}

#[test]
fn a_malformed_one_is_refused_and_never_replaced() {
    let (dir, path, _) = ring();
    let good = fs::read_to_string(&path).unwrap();
    let line = good.lines().find(|line| line.starts_with("csroot1")).unwrap();
    let typo =
        good.replace(line, &format!("{}{}", &line[..line.len() - 1], if line.ends_with('q') { 'p' } else { 'q' }));
    for text in [
        "",
        "# only a comment\n",
        &good.replace("csroot1", "cssec1"),
        &typo,
        &good[..good.len() - 5],
        &format!("{good}{line}\n"),
        &format!("{good}something\n"),
        &good.replace("csroot1", "CSROOT1"),
        &"#".repeat(70_000),
    ] {
        write(&path, text.as_bytes());
        assert!(matches!(FileRoot::open(&path), Err(KeyError::Malformed(_))), "{text:.20}");
        assert!(FileRoot::open_or_create(&path, &World::real()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "a damaged file is for a person to look at");
    }
    write(&path, b"\xff\xfe");
    assert!(matches!(FileRoot::open(&path), Err(KeyError::Malformed(_))));
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(FileRoot::open_or_create(&folder, &World::real()).is_err());
}

#[test]
fn comments_blank_lines_and_carriage_returns_are_nothing() {
    let (_dir, path, ring) = ring();
    let text = fs::read_to_string(&path).unwrap();
    write(&path, format!("\n  # mine\n{}\n\n", text.replace('\n', "\r\n")).as_bytes());
    assert_eq!(FileRoot::open(&path).unwrap().id(), ring.root_id());
}

#[test]
fn an_error_names_the_file_but_shows_nothing_of_it() {
    let (_dir, path, _) = ring();
    let text = fs::read_to_string(&path).unwrap();
    write(&path, text.replace("csroot1", "csroot1q").as_bytes());
    let error = FileRoot::open(&path).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("csroot1"));
    fs::remove_file(&path).unwrap();
    let error = FileRoot::open(&path).err().unwrap();
    assert!(error.to_string().contains("root.key"));
}

#[test]
fn a_link_is_followed_because_secret_mounts_are_links() {
    let (dir, path, ring) = ring();
    let link = dir.path().join("link");
    symlink(&path, &link).unwrap();
    assert_eq!(FileRoot::open(&link).unwrap().id(), ring.root_id());
}

#[test]
fn what_a_crash_left_beside_it_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    write(&dir.path().join("root.key.new"), b"half a file");
    assert!(FileRoot::open_or_create(&path, &World::real()).is_ok());
    assert_eq!(names(dir.path()), ["root.key"]);
}

#[test]
fn keys_are_added_and_removed_but_never_the_newest() {
    let (_dir, path, ring) = ring();
    let first = ring.root_id().to_owned();
    let second = FileRoot::add_key(&path, &world(9)).unwrap();
    let root = FileRoot::open(&path).unwrap();
    assert_eq!(root.keys().into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [first.clone(), second.clone()]);
    assert_eq!(root.keys()[1].1, world(9).now());
    assert!(matches!(FileRoot::remove_key(&path, &second), Err(KeyError::NewestRoot)));
    assert!(matches!(FileRoot::remove_key(&path, "file:0000000000000000"), Err(KeyError::UnknownRoot)));
    assert!(matches!(FileRoot::remove_key(&path, "pkcs11:0000000000000000"), Err(KeyError::UnknownRoot)));
    FileRoot::remove_key(&path, &first).unwrap();
    assert!(matches!(FileRoot::remove_key(&path, &second), Err(KeyError::NewestRoot)));
    assert_eq!(FileRoot::open(&path).unwrap().id(), second);
}

#[test]
fn the_context_of_a_wrapped_key_counts() {
    let (_dir, path, _) = ring();
    let root = FileRoot::open(&path).unwrap();
    let world = World::real();
    let wrapped = root.wrap(&SecretBytes::new(vec![5; 32]), b"here", world.random.as_ref()).unwrap();
    assert!(root.unwrap(&wrapped, b"here").unwrap().ct_eq(&[5; 32]));
    assert!(matches!(root.unwrap(&wrapped, b"there"), Err(KeyError::Refused)));
    assert!(matches!(root.unwrap(b"", b"here"), Err(KeyError::Malformed(_))));
}

const GO_AT: &str = "COUNTERSIGN_TEST_ROOT_FILE";

/// Eight processes that have never seen the file, let go at the same moment.
#[test]
fn many_processes_at_a_first_start_make_one_key() {
    if let Some(path) = env::var_os(GO_AT) {
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        let root = FileRoot::open_or_create(Path::new(&path), &World::real()).unwrap();
        println!("root {} end", root.id());
        return;
    }
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let mut children: Vec<_> = (0..8)
            .map(|_| {
                again("root_file::many_processes_at_a_first_start_make_one_key", &[(GO_AT, &path)]).spawn().unwrap()
            })
            .collect();
        // Each waits for the end of its input.
        children.iter_mut().for_each(|child| drop(child.stdin.take()));
        let ids: Vec<_> = children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let text = String::from_utf8(output.stdout).unwrap();
                text.split_once("root ").unwrap().1.split_once(" end").unwrap().0.to_owned()
            })
            .collect();
        let root = FileRoot::open(&path).unwrap();
        assert_eq!(root.keys().len(), 1);
        assert!(ids.iter().all(|id| id == root.id()), "{ids:?}");
        assert_eq!(names(dir.path()), ["root.key"]);
    }
}

#[test]
fn many_threads_that_add_keys_lose_none() {
    let (_dir, path, _) = ring();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| FileRoot::add_key(&path, &World::real()).unwrap());
        }
    });
    assert_eq!(FileRoot::open(&path).unwrap().keys().len(), 9);
}

#[test]
fn a_read_while_it_is_replaced_sees_the_old_or_the_new() {
    let (_dir, path, ring) = ring();
    let row = ring.create_tenant_key(tenant(1), 1, &World::real()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..20).for_each(|_| drop(FileRoot::add_key(&path, &World::real()).unwrap())));
        while !writer.is_finished() {
            let ring = KeyRing::new(Arc::new(FileRoot::open(&path).unwrap()));
            assert!(ring.open_tenant_keys(tenant(1), std::slice::from_ref(&row)).is_ok());
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_read_or_refused_without_panic(text in "(# \\PC{0,20}\n|csroot1[a-z0-9]{0,80}\n|\\PC{0,40}\n){0,5}") {
        prop_assert!(FileRoot::ids_in(&text).is_err());
    }

    #[test]
    fn keys_survive_comments_and_any_typo_is_found(seed: u64, at in 8_usize..70, to in "[a-z0-9]", comment in "\\PC{0,40}") {
        static FILE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let text = FILE.get_or_init(|| {
            let (_dir, path, _) = ring();
            fs::read_to_string(path).unwrap()
        });
        let line = text.lines().find(|line| line.starts_with("csroot1")).unwrap();
        let commented = format!("#{comment}\n {line}\t\n# {seed}\n");
        prop_assert_eq!(FileRoot::ids_in(&commented).unwrap(), FileRoot::ids_in(text).unwrap());
        let mut typo = line.to_owned();
        typo.replace_range(at..=at, &to);
        prop_assert_eq!(FileRoot::ids_in(&typo).is_err(), typo != line);
    }
}
