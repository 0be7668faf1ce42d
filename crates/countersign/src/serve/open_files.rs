//! The limit of open files: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that aren't connections: the store's, the log's, the listeners', those of clients of our own.
const OTHERS: u64 = 256;

/// Raises the process's limit as far as it may, and says how many of `wanted` connections fit.
#[must_use]
pub(crate) fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    // None: without a limit.
    let room = current.map_or(usize::MAX, |files| usize::try_from(files.saturating_sub(OTHERS)).unwrap_or(usize::MAX));
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            "limits.connections is more than the limit of open files allows: raise it (LimitNOFILE)"
        );
    }
    wanted.min(room).max(1)
}
