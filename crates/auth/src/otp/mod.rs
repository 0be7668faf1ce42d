//! One-time passwords: what a code says. Whether it may still be used is decided by the store.

mod hotp;
mod totp;
mod yubico;

pub use hotp::{hotp, look_ahead, resynchronise};
pub(crate) use totp::MAX_DRIFT;
pub use totp::{Totp, totp_step};
pub use yubico::{Yubico, YubicoCode};
