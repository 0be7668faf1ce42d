//! The message log: what billing and operations need in clear, the rest sealed to the tenant or not kept.

use crate::scope::record;
use types::{AttemptId, MessageId};

record! {
    /// A message that was handed to a supplier.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MessageRow {
        /// Its id.
        pub id: MessageId,
        /// The UTC day, since the epoch; the exact time is sealed.
        pub day: i64,
        /// `sms`, `voice`, `email`, …
        pub channel: String,
        /// Who carried it.
        pub supplier: String,
        /// Why it was sent: `authentication`, `enrollment`, …
        pub purpose: String,
        /// How far it came: `queued`, `sent`, `delivered`, `failed`, …
        pub state: String,
        /// What it is billed as.
        pub billing_class: String,
        /// What went wrong, in a few classes; empty for nothing.
        pub error_class: String,
        /// A keyed hash of the user, for counting without naming.
        pub user_mark: Vec<u8>,
        /// A keyed hash of the supplier's receipt, while one can come.
        pub receipt: Option<Vec<u8>>,
        /// Number, place and exact time, sealed to the tenant's public key; nothing for a tenant without one.
        pub sealed: Option<Vec<u8>>,
        /// The attempt it belongs to.
        pub txid: Option<AttemptId>,
    }
}
