//! Integrations: the applications that ask, each with its key and secret.

use crate::scope::record;
use types::{Millis, PolicyId};

record! {
    /// An application that asks.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct IntegrationRow {
        /// Its key: 20 characters, `DI…`, once among all tenants.
        pub ikey: String,
        /// For people.
        pub name: String,
        /// Its type in Duo's words: `authapi`, `adminapi`, `unix`, …
        pub r#type: String,
        /// The secret of its signatures, sealed.
        pub secret: Vec<u8>,
        /// Whether it may sign by version 1, which carries no date.
        pub signature_v1: bool,
        /// How its user names are normalised.
        pub normalization: String,
        /// Its own policy.
        pub policy: Option<PolicyId>,
        /// What only the Admin API reads, as JSON.
        pub settings: String,
        /// When it was made.
        pub created: Millis,
    }
}
