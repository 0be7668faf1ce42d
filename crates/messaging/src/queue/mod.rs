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

/// What the benchmark measures.
#[doc(hidden)]
pub mod measuring {
    use super::{parcel, shelf::Shelf};
    use crate::Outgoing;
    use std::{io, path::Path, sync::Arc};
    use types::World;

    /// A queue's keys.
    pub struct Keys(Arc<Shelf>, World);

    impl Keys {
        /// In files under `root`.
        pub fn open(root: &Path, world: World) -> io::Result<Self> {
            Ok(Self(Arc::new(Shelf::open(root, world.clone())?), world))
        }

        /// What the queue keeps of a message: the key's name and the sealed content.
        pub async fn seal(&self, message: &Outgoing) -> io::Result<(Vec<u8>, Vec<u8>)> {
            let now = self.1.now();
            let name = self.0.key_for(now).await?;
            let plain = parcel::pack(message, now, now + message.valid_for).map_err(io::Error::other)?;
            let sealed = self.0.seal(&name, message.tenant, message.id, &plain).map_err(io::Error::other)?;
            Ok((name.to_vec(), sealed))
        }

        /// The message again.
        pub fn open_sealed(&self, of: &Outgoing, name: &[u8], sealed: &[u8]) -> io::Result<Outgoing> {
            let plain = self.0.open_sealed(name, of.tenant, of.id, sealed).map_err(io::Error::other)?;
            Ok(parcel::unpack(of.tenant, of.id, &plain).map_err(io::Error::other)?.0)
        }
    }
}
