//! The file of the log's days: made once, moved forward, wrapped anew, and what a copy of it gives.

use crate::support::{ring, ring_at, tenant, world};
use countersign_keys::{DayKeys, FileRoot, KeyError, KeyRing};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};
use types::{Millis, World, id::SegmentId};

const DAY: u64 = 86_400;

fn segment(world: &World) -> SegmentId {
    SegmentId::new(world.now(), world.random.as_ref())
}

fn keys(path: &Path, ring: &KeyRing, world: &World) -> DayKeys {
    DayKeys::open_or_create(path, ring, world).unwrap()
}

#[test]
fn a_day_that_was_passed_opens_for_nobody() {
    let (dir, _, ring) = ring();
    let path = dir.path().join("log-days.key");
    let (world, clock) = World::made(Millis(1_795_280_601_805), 1);
    let days = keys(&path, &ring, &world);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (tenant, today) = (tenant(1), world.now().day());
    assert_eq!(days.oldest(), today - 2);
    let wrap = |day| {
        let id = segment(&world);
        (id, day, days.wrap(tenant, id, day, b"header", world.random.as_ref()).unwrap())
    };
    let wrapped: Vec<_> = [today - 2, today - 1, today, today + 1, today + 30].into_iter().map(wrap).collect();
    clock.advance(Duration::from_secs(10 * DAY));
    assert!(days.advance(today, &world).unwrap() && !days.advance(today, &world).unwrap());
    let again = DayKeys::open(&path, &ring).unwrap();
    for days in [&days, &again] {
        // In any order.
        for (id, day, wrapped) in wrapped.iter().rev().chain(&wrapped) {
            let opened = days.unwrap(tenant, *id, *day, wrapped);
            if *day < today {
                assert!(matches!(opened, Err(KeyError::Shredded)));
            } else {
                assert!(opened.unwrap().ct_eq(b"header"));
            }
        }
    }
    // Bound to tenant, segment and day, and to every bit.
    let (id, day, bytes) = &wrapped[2];
    assert!(days.unwrap(self::tenant(2), *id, *day, bytes).is_err());
    assert!(days.unwrap(tenant, segment(&world), *day, bytes).is_err());
    assert!(days.unwrap(tenant, *id, *day + 1, bytes).is_err());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(days.unwrap(tenant, *id, *day, &changed).is_err());
    }
    // Never past today, whatever is asked.
    days.advance(i64::MAX, &world).unwrap();
    assert_eq!(days.oldest(), world.now().day());
}

#[test]
fn the_old_bytes_are_overwritten_and_a_crash_leaves_a_whole_file() {
    let (dir, _, ring) = ring();
    let path = dir.path().join("log-days.key");
    let (world, clock) = World::made(Millis(1_795_280_601_805), 1);
    let days = keys(&path, &ring, &world);
    let before = fs::read(&path).unwrap();
    // Another name for the old file's bytes, as a thief of the disk's blocks has them.
    let blocks = dir.path().join("blocks");
    fs::hard_link(&path, &blocks).unwrap();
    // What a crash in the middle of a replacement leaves beside it.
    fs::write(dir.path().join("log-days.key.new"), b"half a fi").unwrap();
    clock.advance(Duration::from_secs(DAY));
    days.advance(world.now().day(), &world).unwrap();
    let after = fs::read(&blocks).unwrap();
    assert_eq!(after.len(), before.len());
    assert!(after.iter().all(|byte| *byte == b'#'), "the old key is still on the disk");
    assert_ne!(fs::read(&path).unwrap(), before);
    assert!(!dir.path().join("log-days.key.new").exists());
    assert_eq!(DayKeys::open(&path, &ring).unwrap().oldest(), world.now().day());
}

#[test]
fn a_check_value_is_the_same_at_every_place_of_the_ratchet_and_another_file_has_another() {
    let (dir, _, ring) = ring();
    let (world, clock) = World::made(Millis(1_795_280_601_805), 1);
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let behind = keys(&a, &ring, &world);
    fs::copy(&a, &b).unwrap();
    let ahead = DayKeys::open(&b, &ring).unwrap();
    clock.advance(Duration::from_secs(3 * DAY));
    let today = world.now().day();
    ahead.advance(today - 1, &world).unwrap();
    assert_eq!(behind.check(today).unwrap(), ahead.check(today).unwrap());
    assert!(matches!(ahead.check(today - 2), Err(KeyError::Shredded)));
    let other = keys(&dir.path().join("c"), &ring, &world);
    assert_ne!(other.check(today).unwrap(), ahead.check(today).unwrap());
}

#[test]
fn a_new_root_key_rewraps_it_and_the_old_one_is_not_needed_any_more() {
    let (dir, root, ring) = ring();
    let path = dir.path().join("log-days.key");
    let world = world(3);
    let days = keys(&path, &ring, &world);
    let check = days.check(world.now().day()).unwrap();
    assert!(!days.rewrap(world.random.as_ref()).unwrap());
    let old = ring.root_id().to_owned();
    FileRoot::add_key(&root, &world).unwrap();
    let newer = ring_at(&root);
    let days = DayKeys::open(&path, &newer).unwrap();
    assert_eq!(days.root_id(), old);
    assert!(days.rewrap(world.random.as_ref()).unwrap());
    assert_ne!(days.root_id(), old);
    FileRoot::remove_key(&root, &old).unwrap();
    let again = DayKeys::open(&path, &ring_at(&root)).unwrap();
    assert_eq!(again.check(world.now().day()).unwrap(), check);
    // A root key that never saw it opens nothing.
    let stranger = dir.path().join("stranger.key");
    let stranger = KeyRing::new(Arc::new(FileRoot::open_or_create(&stranger, &world).unwrap()));
    assert!(matches!(DayKeys::open(&path, &stranger), Err(KeyError::UnknownRoot)));
}

#[test]
fn a_file_for_others_eyes_or_damaged_is_refused() {
    let (dir, _, ring) = ring();
    let path = dir.path().join("log-days.key");
    let world = world(4);
    keys(&path, &ring, &world);
    let good = fs::read_to_string(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(DayKeys::open(&path, &ring), Err(KeyError::Permissions { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let day = format!("day {}", world.now().day() - 2);
    assert!(good.contains(&day));
    for bad in [
        String::new(),
        good.replace("key ", "kex "),
        good.replace(&day, "day -1"),
        // Another day with the same key would give up what was forgotten.
        good.replace(&day, &format!("day {}", world.now().day() - 9)),
        format!("{good}day 1\n"),
        good.trim_end().strip_suffix(|c: char| c.is_ascii_hexdigit()).unwrap().to_owned(),
    ] {
        fs::write(&path, &bad).unwrap();
        assert!(DayKeys::open_or_create(&path, &ring, &world).is_err(), "{bad}");
    }
}

#[test]
fn two_that_start_together_use_one_file() {
    let (dir, _, ring) = ring();
    let path = dir.path().join("log-days.key");
    let today = World::real().now().day();
    let checks: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..8).map(|_| scope.spawn(|| keys(&path, &ring, &World::real()).check(today).unwrap())).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(checks.windows(2).all(|pair| pair[0] == pair[1]));
}
