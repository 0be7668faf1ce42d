//! FIDO's metadata of authenticators (MDS3), as a file that the operator fetches: which makes can be proven, and which are reported as
//! unsafe.
//!
//! [`Source`] reads and verifies the file, [`Keeper`] takes it into use at the start and whenever it changes, [`command`] shows it.
//! What a report means for the passkeys that people have is the rules' affair: [`auth::Auth::apply_metadata`].
//!
//! Nothing here fetches anything, and nothing that isn't verified, or that is older than what was in use before, is ever in use.

pub mod command;
mod keeper;

#[cfg(test)]
mod tests;

use crate::config::Fido;
use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};
use types::Millis;
use webauthn::{Metadata, MetadataError, MetadataRoots};

pub use keeper::{Keeper, Looked};

/// No file is read further than this, in bytes: one byte more than the largest blob that is taken.
const MOST: u64 = 64 * 1024 * 1024 + 1;

/// Why there is no metadata.
#[derive(Debug, thiserror::Error)]
pub enum FidoError {
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file isn't what it should be.
    #[error("{}: {source}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        source: MetadataError,
    },
    /// A later issue was in use before.
    #[error("it is issue {serial}, and issue {accepted} was in use before: fetch the newest")]
    RolledBack {
        /// The file's.
        serial: u64,
        /// The one before.
        accepted: i64,
    },
    /// The engine can't take it now.
    #[error(transparent)]
    Auth(#[from] auth::AuthError),
    /// The database doesn't answer.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The process ends.
    #[error("reading was broken off")]
    BrokenOff,
}

impl FidoError {
    /// Whether only another file can mend it.
    const fn is_of_the_file(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Refused { .. } | Self::RolledBack { .. })
    }
}

/// The two files.
#[derive(Clone, Debug)]
pub struct Source {
    metadata: PathBuf,
    roots: PathBuf,
}

/// What tells one state of the files from another.
type Mark = [Option<(u64, u64, i64, i64)>; 2];

impl Source {
    /// As the configuration names them.
    #[must_use]
    pub fn new(fido: &Fido) -> Self {
        Self { metadata: fido.metadata_file.clone(), roots: fido.roots_file.clone() }
    }

    /// The same roots for another file.
    #[must_use]
    pub fn of(&self, metadata: PathBuf) -> Self {
        Self { metadata, roots: self.roots.clone() }
    }

    /// The metadata's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.metadata
    }

    /// Reads and verifies. It takes a while where the file is large: not for a thread that serves.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn read(&self, now: Millis) -> Result<Metadata, FidoError> {
        let refused = |path: &Path| {
            let path = path.to_owned();
            |source| FidoError::Refused { path, source }
        };
        let roots = MetadataRoots::from_pem(&bytes(&self.roots)?).map_err(refused(&self.roots))?;
        Metadata::parse(&bytes(&self.metadata)?, &roots, now).map_err(refused(&self.metadata))
    }

    fn mark(&self) -> Mark {
        [&self.metadata, &self.roots].map(|path: &PathBuf| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
        })
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, FidoError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    read.map_err(|source| FidoError::File { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// A day as people write it.
pub(crate) fn day(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}
