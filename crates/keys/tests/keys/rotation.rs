//! Both rotations, with what is written before, during and after them.

use crate::support::{ring, ring_at, tenant, tenant_keys};
use countersign_keys::{Field, FileRoot, KeyError, TenantKeys, WrappedKey};
use proptest::prelude::*;
use std::sync::Arc;
use types::World;

const NUMBER: Field<'_> = Field { table: "phone", column: "tail", row: b"p" };

#[test]
fn a_new_tenant_key_encrypts_and_the_old_one_still_opens() {
    let (_dir, _, ring) = ring();
    let world = World::real();
    let random = world.random.as_ref();
    let mut rows = vec![ring.create_tenant_key(tenant(1), 1, &world).unwrap()];
    let before = ring.open_tenant_keys(tenant(1), &rows).unwrap();
    let old = before.seal(NUMBER, b"old", random).unwrap();
    let stored = before.digest("bypass", &[b"code"]);

    rows.push(ring.create_tenant_key(tenant(1), 2, &world).unwrap());
    let after = ring.open_tenant_keys(tenant(1), &rows).unwrap();
    let new = after.seal(NUMBER, b"new", random).unwrap();
    assert_eq!((TenantKeys::version_of(&old), TenantKeys::version_of(&new)), (Some(1), Some(2)));
    assert!(after.open(NUMBER, &old).unwrap().ct_eq(b"old"));
    assert!(after.open(NUMBER, &new).unwrap().ct_eq(b"new"));
    // A node that hasn't read the new row yet says so, and can read again.
    assert!(matches!(before.open(NUMBER, &new), Err(KeyError::UnknownVersion(2))));
    // What was stored before the rotation is found, what is stored now is under the newest.
    assert_ne!(after.digest("bypass", &[b"code"]), stored);
    assert_eq!(after.digest_candidates("bypass", &[b"code"]), [after.digest("bypass", &[b"code"]), stored]);

    // Re-encrypted in the background; then version 1 can go.
    let moved = after.seal(NUMBER, after.open(NUMBER, &old).unwrap().expose(), random).unwrap();
    let later = ring.open_tenant_keys(tenant(1), &rows[1..]).unwrap();
    assert!(later.open(NUMBER, &moved).unwrap().ct_eq(b"old"));
    assert!(matches!(later.open(NUMBER, &old), Err(KeyError::UnknownVersion(1))));
}

#[test]
fn in_the_first_step_the_new_key_reads_but_does_not_write() {
    let (_dir, _, ring) = ring();
    let world = World::real();
    let random = world.random.as_ref();
    let rows = [1, 2, 3].map(|version| ring.create_tenant_key(tenant(1), version, &world).unwrap());
    let early = ring.open_tenant_keys_writing(tenant(1), &rows, 2).unwrap();
    let late = ring.open_tenant_keys(tenant(1), &rows).unwrap();
    assert_eq!((early.newest(), late.newest()), (2, 3));
    assert_eq!(early.versions().collect::<Vec<_>>(), [2, 3, 1]);
    let sealed = early.seal(NUMBER, b"x", random).unwrap();
    assert_eq!(TenantKeys::version_of(&sealed), Some(2));
    assert!(late.open(NUMBER, &sealed).is_ok());
    assert!(early.open(NUMBER, &late.seal(NUMBER, b"x", random).unwrap()).is_ok());
    // Each finds what the other stores.
    assert!(early.digest_candidates("sms", &[b"1"]).contains(&late.digest("sms", &[b"1"])));
    assert!(late.digest_candidates("sms", &[b"1"]).contains(&early.digest("sms", &[b"1"])));
    assert!(matches!(ring.open_tenant_keys_writing(tenant(1), &rows, 4), Err(KeyError::UnknownVersion(4))));
}

#[test]
fn the_order_of_rows_does_not_matter_but_doubles_and_nothing_are_refused() {
    let (_dir, _, ring) = ring();
    let rows: Vec<_> =
        [3, 1, 2].map(|version| ring.create_tenant_key(tenant(1), version, &World::real()).unwrap()).into();
    let keys = ring.open_tenant_keys(tenant(1), &rows).unwrap();
    assert_eq!(keys.versions().collect::<Vec<_>>(), [3, 2, 1]);
    let double = [rows[0].clone(), rows[0].clone()];
    assert!(matches!(ring.open_tenant_keys(tenant(1), &double), Err(KeyError::DuplicateVersion(3))));
    assert!(matches!(ring.open_tenant_keys(tenant(1), &[]), Err(KeyError::NoTenantKey)));
}

#[test]
fn a_new_root_key_wraps_and_every_tenant_key_moves_without_a_stop() {
    let (_dir, path, old_node) = ring();
    let world = World::real();
    let row = old_node.create_tenant_key(tenant(1), 1, &world).unwrap();
    let keys = old_node.open_tenant_keys(tenant(1), std::slice::from_ref(&row)).unwrap();
    let sealed = keys.seal(NUMBER, b"+15035550100", world.random.as_ref()).unwrap();

    let new_id = FileRoot::add_key(&path, &world).unwrap();
    let new_node = ring_at(&path);
    assert_eq!(new_node.root_id(), new_id);
    assert_eq!(row.root, old_node.root_id());
    assert!(new_node.needs_rewrap(&row) && !old_node.needs_rewrap(&row));

    let moved = new_node.rewrap(tenant(1), &row, &world).unwrap();
    assert_eq!((moved.version, moved.root.as_str()), (1, new_id.as_str()));
    assert!(!new_node.needs_rewrap(&moved));
    // The node that hasn't been restarted opens it too: it reads the file again.
    for node in [&old_node, &new_node] {
        let keys = node.open_tenant_keys(tenant(1), std::slice::from_ref(&moved)).unwrap();
        assert!(keys.open(NUMBER, &sealed).unwrap().ct_eq(b"+15035550100"));
    }

    FileRoot::remove_key(&path, &row.root).unwrap();
    let last_node = ring_at(&path);
    assert!(last_node.open_tenant_keys(tenant(1), &[moved]).is_ok());
    assert!(matches!(last_node.open_tenant_keys(tenant(1), &[row]), Err(KeyError::UnknownRoot)));
}

#[test]
fn one_root_replaces_another_while_both_open() {
    let (_a, _, old) = ring();
    let (_b, path, _) = ring();
    let (_c, old_path, _) = ring();
    let world = World::real();
    let row = ring_at(&old_path).create_tenant_key(tenant(1), 1, &world).unwrap();
    let both = ring_at(&path).with_older(Arc::new(FileRoot::open(&old_path).unwrap()));
    let moved = both.rewrap(tenant(1), &row, &world).unwrap();
    assert!(both.open_tenant_keys(tenant(1), std::slice::from_ref(&row)).is_ok());
    assert!(ring_at(&path).open_tenant_keys(tenant(1), std::slice::from_ref(&moved)).is_ok());
    assert!(matches!(old.open_tenant_keys(tenant(1), &[moved]), Err(KeyError::UnknownRoot)));
    assert!(both.check(&world).is_ok());
}

#[test]
fn a_wrapped_key_is_bound_to_tenant_version_and_root() {
    let (_dir, path, ring) = ring();
    let world = World::real();
    let row = ring.create_tenant_key(tenant(1), 1, &world).unwrap();
    let refused = |tenant, row: WrappedKey| ring.open_tenant_keys(tenant, &[row]).map(|_| ()).unwrap_err();
    assert!(matches!(refused(tenant(2), row.clone()), KeyError::Refused));
    assert!(matches!(refused(tenant(1), WrappedKey { version: 2, ..row.clone() }), KeyError::Refused));
    assert!(matches!(refused(tenant(1), WrappedKey { root: "file:00".into(), ..row.clone() }), KeyError::UnknownRoot));
    let other = FileRoot::add_key(&path, &world).unwrap();
    assert!(matches!(refused(tenant(1), WrappedKey { root: other, ..row.clone() }), KeyError::Refused));
    for bit in 0..row.bytes.len() * 8 {
        let mut changed = row.clone();
        changed.bytes[bit / 8] ^= 1 << (bit % 8);
        refused(tenant(1), changed);
    }
    for length in 0..row.bytes.len() {
        refused(tenant(1), WrappedKey { bytes: row.bytes[..length].to_vec(), ..row.clone() });
    }
    refused(tenant(1), WrappedKey { bytes: [row.bytes.as_slice(), &[0]].concat(), ..row.clone() });
}

#[test]
fn no_two_wrapped_keys_are_alike_and_none_holds_the_key() {
    let (_dir, _, ring) = ring();
    let world = crate::support::world(5);
    // The same chance makes the same tenant key and the same nonce: what differs is the context only.
    let row = ring.create_tenant_key(tenant(1), 1, &world).unwrap();
    let key: [u8; 32] = crate::support::world(5).bytes();
    assert!(!row.bytes.windows(8).any(|window| key.windows(8).any(|part| part == window)));
    assert_ne!(row.bytes, ring.create_tenant_key(tenant(1), 1, &world).unwrap().bytes);
}

proptest! {
    #[test]
    fn a_garbled_wrapped_key_is_refused_without_panic(
        version: u32,
        bytes: Vec<u8>,
        root in "file:[0-9a-f]{16}|pkcs11:[0-9a-f]{0,20}|\\PC{0,20}",
        known: bool,
    ) {
        static RING: std::sync::OnceLock<(tempfile::TempDir, std::path::PathBuf, countersign_keys::KeyRing)> =
            std::sync::OnceLock::new();
        let (_, _, ring) = RING.get_or_init(ring);
        let root = if known { ring.root_id().to_owned() } else { root };
        let row = WrappedKey { version, root, bytes };
        prop_assert!(ring.open_tenant_keys(tenant(1), &[row]).is_err());
    }
}

/// A cached tenant must stay small: a hundred thousand of them fit into 30 MB.
#[test]
fn a_handle_is_small() {
    let (_dir, _, ring) = ring();
    let keys = tenant_keys(&ring, tenant(1), &[1]);
    assert_eq!(size_of_val(&keys), size_of::<usize>());
}
