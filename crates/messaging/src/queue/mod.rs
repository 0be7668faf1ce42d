//! What stands of a message while it waits or is under way, so that a process may die and lose nothing, and a thief finds nothing.
//!
//! The row in the store (`message_queue`) is written in the transaction that writes the log's row, before anything leaves, and goes
//! when a carrier has answered. Its content ([`parcel`]) is sealed under a key of its ten minutes ([`shelf`]), which stands in a file
//! beside the database: neither the database nor a backup opens it, also with the root key. When no message of those ten minutes
//! is left, the file is overwritten and goes.

pub(crate) mod parcel;
pub(crate) mod seal;
pub(crate) mod shelf;

/// `message_queue.state`: no carrier has seen it.
pub(crate) const QUEUED: &str = "queued";
/// A carrier may have seen it: after a crash it goes once more through that one, or not at all.
pub(crate) const HANDED: &str = "handed";
