//! A row of table `tenant_key` that someone has tampered with: it never opens, unless it is the true one.
#![no_main]

use countersign_keys::{FileRoot, KeyRing, WrappedKey};
use countersign_types::{World, id::TenantId};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};

fn ring() -> &'static (KeyRing, TenantId, WrappedKey) {
    static RING: OnceLock<(KeyRing, TenantId, WrappedKey)> = OnceLock::new();
    RING.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let world = World::real();
        let ring = KeyRing::new(Arc::new(FileRoot::open_or_create(&dir.path().join("root.key"), &world).unwrap()));
        let tenant = TenantId::new(world.now(), world.random.as_ref());
        let row = ring.create_tenant_key(tenant, 1, &world).unwrap();
        (ring, tenant, row)
    })
}

fuzz_target!(|input: (u32, Option<String>, Vec<u8>, u8)| {
    let (ring, tenant, row) = ring();
    let (version, root, bytes, kept) = input;
    let root = root.unwrap_or_else(|| row.root.clone());
    // The first bytes of the true value, so that the fuzzer gets past the key's tag.
    let bytes = [row.bytes.get(..usize::from(kept)).unwrap_or(&row.bytes), &bytes].concat();
    let tampered = WrappedKey { version, root, bytes };
    let opened = ring.open_tenant_keys(*tenant, std::slice::from_ref(&tampered)).is_ok();
    assert_eq!(opened, tampered == *row);
});
