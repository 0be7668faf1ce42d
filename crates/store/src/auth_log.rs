//! The authentication log: one row for each attempt that ended.

use crate::scope::record;
use types::{LogId, Millis, UserId};

record! {
    /// An attempt that ended.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuthLogRow {
        /// Its id, made from the same moment as `at`.
        pub id: LogId,
        /// When it ended.
        pub at: Millis,
        /// Who it was, when the name was known.
        pub user_id: Option<UserId>,
        /// The name as it was looked up.
        pub username: String,
        /// Where they signed in.
        pub ikey: String,
        /// The factor in Duo's words.
        pub factor: String,
        /// `success`, `denied` or `fraud`.
        pub result: String,
        /// Why, in Duo's words.
        pub reason: String,
        /// The address of the access device, as it was given.
        pub ip: String,
        /// The id of the phone or token; empty for none.
        pub device: String,
        /// What else a log reader is shown, as JSON.
        pub detail: String,
    }
}
