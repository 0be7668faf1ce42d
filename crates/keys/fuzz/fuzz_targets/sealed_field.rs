//! A sealed cell that someone has tampered with: it opens only in its place and unchanged.
#![no_main]

use countersign_keys::{Field, FileRoot, KeyRing, TenantKeys};
use countersign_types::{World, id::TenantId};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};

const FIELD: Field<'_> = Field { table: "token", column: "seed", row: b"row" };

fn keys() -> &'static (TenantKeys, Vec<u8>) {
    static KEYS: OnceLock<(TenantKeys, Vec<u8>)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let world = World::real();
        let ring = KeyRing::new(Arc::new(FileRoot::open_or_create(&dir.path().join("root.key"), &world).unwrap()));
        let tenant = TenantId::new(world.now(), world.random.as_ref());
        let keys = ring.open_tenant_keys(tenant, &[ring.create_tenant_key(tenant, 1, &world).unwrap()]).unwrap();
        let sealed = keys.seal(FIELD, b"twenty bytes of seed", world.random.as_ref()).unwrap();
        (keys, sealed)
    })
}

fuzz_target!(|input: (Vec<u8>, u8, Option<Vec<u8>>)| {
    let (keys, good) = keys();
    let (bytes, kept, row) = input;
    let sealed = [good.get(..usize::from(kept)).unwrap_or(good), &bytes].concat();
    let row = row.as_deref().unwrap_or(FIELD.row);
    if let Some(version) = TenantKeys::version_of(&sealed) {
        assert_eq!(sealed[1..5], version.to_be_bytes());
    }
    let opened = keys.open(Field { row, ..FIELD }, &sealed).is_ok();
    assert_eq!(opened, sealed == *good && row == FIELD.row);
});
