//! What several tests need: ids, a ring in a scratch directory, and a way to run a test in a process of its own.

use countersign_keys::{FileRoot, KeyRing, TenantKeys};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use types::{Millis, World, id::TenantId};

/// A made world whose chance comes from `seed`.
pub(crate) fn world(seed: u64) -> World {
    World::made(Millis(1_795_280_601_805), seed).0
}

/// A tenant's id.
pub(crate) fn tenant(seed: u64) -> TenantId {
    let world = world(seed);
    TenantId::new(world.now(), world.random.as_ref())
}

/// A ring over a root-key file in a scratch directory, which lives as long as the first value.
pub(crate) fn ring() -> (TempDir, PathBuf, KeyRing) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    let ring = ring_at(&path);
    (dir, path, ring)
}

/// A ring over this file, as a process that starts now has it.
pub(crate) fn ring_at(path: &Path) -> KeyRing {
    KeyRing::new(Arc::new(FileRoot::open_or_create(path, &World::real()).unwrap()))
}

/// A tenant's keys with these versions.
pub(crate) fn tenant_keys(ring: &KeyRing, tenant: TenantId, versions: &[u32]) -> TenantKeys {
    let wrapped: Vec<_> =
        versions.iter().map(|version| ring.create_tenant_key(tenant, *version, &World::real()).unwrap()).collect();
    ring.open_tenant_keys(tenant, &wrapped).unwrap()
}

/// This test alone, in a process of its own, with these variables. `test` is its path within the binary.
pub(crate) fn again(test: &str, variables: &[(&str, &Path)]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
