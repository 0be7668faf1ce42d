//! The directory in which the demo works.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use types::World;

/// A directory that is gone when the demo is, unless it was named by the caller.
pub(super) struct Scratch {
    path: PathBuf,
    kept: bool,
}

impl Scratch {
    /// Makes it, for its owner only. A named one may be there, but must be empty.
    pub(super) fn make(named: Option<PathBuf>, world: &World) -> anyhow::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        let (path, kept) = match named {
            Some(path) => {
                builder.recursive(true);
                (path, true)
            }
            None => {
                let name = format!("countersign-demo-{}", data_encoding::HEXLOWER.encode(&world.bytes::<4>()));
                (std::env::temp_dir().join(name), false)
            }
        };
        builder.create(&path).with_context(|| format!("can't make {}", path.display()))?;
        let path = std::path::absolute(&path)?;
        if fs::read_dir(&path)?.next().is_some() {
            bail!("{} is not empty", path.display());
        }
        Ok(Self { path, kept })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn is_kept(&self) -> bool {
        self.kept
    }

    /// Removes it, if it is the demo's own.
    pub(super) fn remove(self) -> anyhow::Result<()> {
        self.removed().with_context(|| format!("can't remove {}", self.path.display()))
    }

    fn removed(&self) -> std::io::Result<()> {
        if self.kept || !self.path.exists() { Ok(()) } else { fs::remove_dir_all(&self.path) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Also when the demo fails half-way: nothing of it is worth keeping.
        let _ = self.removed();
    }
}
