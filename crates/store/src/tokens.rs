//! One-time-password tokens.

use crate::scope::record;
use types::{Millis, TokenId};

record! {
    /// A token: TOTP, HOTP or Yubico OTP.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TokenRow {
        /// Its id.
        pub id: TokenId,
        /// Its type in Duo's words: `h6`, `h8`, `t6`, `t8`, `yk`.
        pub r#type: String,
        /// The maker's serial, once for each type in a tenant.
        pub serial: String,
        /// The seed, sealed.
        pub seed: Vec<u8>,
        /// Digits of a code.
        pub digits: i64,
        /// Seconds of a TOTP step; 0 for the others.
        pub period: i64,
        /// The last accepted TOTP step, HOTP counter or Yubico counter.
        pub counter: i64,
        /// How many steps its clock was off when it was last used.
        pub drift: i64,
        /// The last login with it.
        pub last_used: Option<Millis>,
        /// When it was made.
        pub created: Millis,
    }
}
