//! The core speaks while it works: at level *error* it prints the bytes that it couldn't parse, which anybody can send. What is
//! worth a line is said by our errors, and logged by the caller.

use tracing::dispatcher::{Dispatch, with_default};

/// Runs the core with nobody listening.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    with_default(&Dispatch::none(), work)
}
