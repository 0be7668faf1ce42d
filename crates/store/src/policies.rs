//! Policies, and which of them apply to an integration's groups.

use crate::scope::record;
use types::{GroupId, Millis, PolicyId};

record! {
    /// A named policy.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PolicyRow {
        /// Its id.
        pub id: PolicyId,
        /// For people.
        pub name: String,
        /// Whether it applies where no other says anything; a tenant has one.
        pub is_global: bool,
        /// Its rules, as JSON.
        pub sections: String,
        /// When it was made.
        pub created: Millis,
    }
}

record! {
    /// A policy for the members of one group at one integration.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GroupPolicyRow {
        /// The integration.
        pub ikey: String,
        /// The group.
        pub group_id: GroupId,
        /// The policy.
        pub policy: PolicyId,
        /// Its place in the order; the first that fits a user applies.
        pub place: i64,
    }
}
