//! People: their names, their state, and what hangs on them.

use crate::scope::record;
use types::{Millis, UserId};

record! {
    /// A person.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UserRow {
        /// Their id.
        pub id: UserId,
        /// The name as the administrator wrote it; the form in which it is looked up stands in `user_name`.
        pub username: String,
        /// Their full name; empty when unknown, as are the next three.
        pub realname: String,
        /// Their first name.
        pub firstname: String,
        /// Their last name.
        pub lastname: String,
        /// Their address.
        pub email: String,
        /// The administrator's notes.
        pub notes: String,
        /// `active`, `bypass` or `disabled`: what an administrator chose. Lockout and deletion stand beside it.
        pub status: String,
        /// Wrong answers since the last right one.
        pub failures: i64,
        /// When the wrong answers became too many.
        pub locked_at: Option<Millis>,
        /// When it was marked for deletion.
        pub deleted_at: Option<Millis>,
        /// The last login that no device row shows.
        pub last_login: Option<Millis>,
        /// When it was made.
        pub created: Millis,
        /// Further attributes, as JSON.
        pub attributes: String,
    }
}
