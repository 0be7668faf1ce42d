//! Telephones and authenticator apps.

use crate::scope::record;
use types::{Millis, PhoneId};

record! {
    /// A telephone or tablet: a number, an authenticator app, or both.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PhoneRow {
        /// Its id.
        pub id: PhoneId,
        /// The number, sealed.
        pub number: Option<Vec<u8>>,
        /// The last four digits, sealed apart, so that showing them never opens the number.
        pub tail: Option<Vec<u8>>,
        /// Digits to dial after the call is answered.
        pub extension: String,
        /// For people.
        pub name: String,
        /// `mobile` or `landline`.
        pub r#type: String,
        /// `apple ios`, `google android`, …
        pub platform: String,
        /// The device's model.
        pub model: String,
        /// Seconds to wait before the extension is dialled.
        pub predelay: i64,
        /// Seconds to wait after the extension before the message begins.
        pub postdelay: i64,
        /// The authenticator's P-256 key; without one there is no push.
        pub public_key: Option<Vec<u8>>,
        /// How the authenticator names its device.
        pub device_name: String,
        /// When the authenticator last spoke.
        pub last_seen: Option<Millis>,
        /// How many passcodes of the last batch were sent.
        pub sms_sent: i64,
        /// The last login with it.
        pub last_used: Option<Millis>,
        /// When it was made.
        pub created: Millis,
    }
}
