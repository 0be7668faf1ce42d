//! Groups: sets of users that policy speaks of.

use crate::scope::record;
use types::{GroupId, Millis};

record! {
    /// A group.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GroupRow {
        /// Its id.
        pub id: GroupId,
        /// Its name, once in a tenant.
        pub name: String,
        /// For people.
        pub description: String,
        /// `active`, `bypass` or `disabled`.
        pub status: String,
        /// When it was made.
        pub created: Millis,
    }
}
