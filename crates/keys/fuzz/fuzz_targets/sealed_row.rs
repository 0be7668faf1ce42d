//! A sealed row of the message log, as the tenant's command line gets it from a server that it doesn't trust.
#![no_main]

use countersign_keys::{TenantPrivateKey, sealed};
use countersign_types::{
    World,
    id::{MessageId, TenantId},
};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fn row() -> &'static (TenantPrivateKey, TenantId, MessageId, Vec<u8>) {
    static ROW: OnceLock<(TenantPrivateKey, TenantId, MessageId, Vec<u8>)> = OnceLock::new();
    ROW.get_or_init(|| {
        let world = World::real();
        let private = TenantPrivateKey::generate(world.random.as_ref());
        let tenant = TenantId::new(world.now(), world.random.as_ref());
        let message = MessageId::new(world.now(), world.random.as_ref());
        let row = private.public().seal(tenant, message, b"+15035550100", world.random.as_ref()).unwrap();
        (private, tenant, message, row)
    })
}

fuzz_target!(|input: (Vec<u8>, u16, bool)| {
    let (private, tenant, message, good) = row();
    let (bytes, kept, whole) = input;
    let mut row = [good.get(..usize::from(kept)).unwrap_or(good), &bytes].concat();
    if whole {
        row.resize(sealed::SEALED_LEN, 0);
    }
    assert_eq!(sealed::key_id_of(&row).is_some(), row.len() == sealed::SEALED_LEN && row.first() == Some(&1));
    assert_eq!(private.open(*tenant, *message, &row).is_ok(), row == *good);
});
