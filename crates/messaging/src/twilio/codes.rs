//! The supplier's error codes, in the classes of the message log.

use crate::ErrorClass;

/// The account has no message redaction: the message must be asked for without.
pub(super) const REDACTION_NOT_ENABLED: u32 = 30_029;
/// Too many requests.
pub(super) const TOO_MANY: u32 = 20_429;

/// The class of a code; [`ErrorClass::Other`] for one that isn't listed.
pub(super) const fn class(code: u32) -> ErrorClass {
    match code {
        0 => ErrorClass::None,
        // No such number; landline; not mobile; no route to it.
        21_211 | 21_214 | 21_217 | 21_401 | 21_421 | 21_612 | 21_614 | 30_005 | 30_006 | 13_223 | 13_224 => {
            ErrorClass::BadAddress
        }
        30_003 => ErrorClass::Unreachable,
        // Blocked by carrier, filter, block list or fraud guard.
        21_216 | 13_225 | 30_004 | 30_007 | 30_034 | 30_450 | 60_410 | 60_412 => ErrorClass::Blocked,
        // The account may not send or call there.
        21_215 | 21_408 | 13_227 => ErrorClass::Region,
        21_610 => ErrorClass::OptedOut,
        TOO_MANY | 21_611 | 14_107 | 30_001 => ErrorClass::Throttled,
        // Sign-in, balance, sender, messaging service, suspension.
        20_003 | 20_005 | 20_404 | 21_210 | 21_212 | 21_213 | 21_603 | 21_606 | 21_608 | 21_659 | 21_660 | 21_703
        | 21_704 | 21_705 | 30_002 | 30_032 => ErrorClass::Account,
        30_036 => ErrorClass::Expired,
        30_009 | 30_410 => ErrorClass::Supplier,
        _ => ErrorClass::Other,
    }
}
