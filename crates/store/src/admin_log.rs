//! The administrator log: one row for each change.

use crate::scope::record;
use types::{LogId, Millis};

record! {
    /// A change that somebody made.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AdminLogRow {
        /// Its id, made from the same moment as `at`.
        pub id: LogId,
        /// When.
        pub at: Millis,
        /// Who: an administrator's name, or an integration's key.
        pub actor: String,
        /// What, in Duo's words: `user_update`, …
        pub action: String,
        /// To what.
        pub object: String,
        /// Details, as JSON.
        pub detail: String,
    }
}
