//! Certificate files that somebody else looks after: read again when they change.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use types::World;

use super::{error::TlsError, hot::HotCertificate, identity::Identity};
use crate::serve::{Shutdown, signals::Reload};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// The two files.
#[derive(Clone)]
pub(crate) struct Files {
    /// The certificate and its chain.
    pub(crate) cert: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

/// What tells one state of a file from another: when and what was written, and which file it is (tools that renew
/// certificates exchange a link).
type Mark = [Option<(u64, u64, i64, i64)>; 2];

impl Files {
    /// Reads them, and warns of what clients will trip over.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn load(&self, names: &[String], world: &World) -> Result<Identity, TlsError> {
        let identity = Identity::read(&self.cert, &self.key)?;
        let cert = self.cert.display();
        if identity.not_after <= world.now() {
            tracing::error!(%cert, "the certificate has run out: clients will refuse it");
        }
        for name in names.iter().filter(|name| !identity.covers(name)) {
            tracing::warn!(%cert, %name, "the certificate isn't for a name in server.api_hosts");
        }
        if std::fs::metadata(&self.key).is_ok_and(|meta| meta.mode() & 0o004 != 0) {
            tracing::warn!(key = %self.key.display(), "anyone on this machine can read the private key");
        }
        Ok(identity)
    }

    /// Looks after them until the stop.
    pub(crate) async fn keep(
        self,
        hot: Arc<HotCertificate>,
        names: Vec<String>,
        world: World,
        shutdown: Shutdown,
        mut reload: Reload,
    ) {
        let mut seen = self.mark();
        loop {
            let told = tokio::select! {
                stopping = shutdown.sleep(LOOK) => if stopping { return } else { false },
                changed = reload.changed() => changed.is_ok(),
            };
            let now = self.mark();
            if !told && now == seen {
                continue;
            }
            match self.load(&names, &world) {
                Ok(identity) => {
                    seen = now;
                    tracing::info!(cert = %self.cert.display(), "the certificate was read again");
                    hot.set(identity);
                }
                // The two are rarely written in one instant: the old pair serves until the new one is whole.
                Err(error) => {
                    tracing::error!(%error, "the certificate can't be read again; the one before stays in use")
                }
            }
        }
    }

    fn mark(&self) -> Mark {
        [&self.cert, &self.key].map(|path: &PathBuf| mark(path))
    }
}

fn mark(path: &Path) -> Option<(u64, u64, i64, i64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}
