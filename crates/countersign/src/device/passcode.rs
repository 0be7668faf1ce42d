//! Passcodes at a terminal: RFC 6238 over SHA-1, as telephones make them.

use auth::otp::{hotp, totp_step};
use data_encoding::BASE32_NOPAD;
use types::{Millis, SecretString};
use zeroize::Zeroizing;

/// The passcode at `now`, and for how many seconds it is good; none where the secret isn't base 32.
pub(super) fn now(secret: &str, digits: u32, period: i64, now: Millis) -> Option<(SecretString, i64)> {
    let seed = Zeroizing::new(BASE32_NOPAD.decode(secret.as_bytes()).ok()?);
    let (step, period) = (totp_step(now, period), period.max(1));
    let code = hotp(&seed, u64::try_from(step).ok()?, digits);
    Some((SecretString::new(code), period - now.seconds().rem_euclid(period)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6238_appendix_b() {
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        for (seconds, wanted, left) in
            [(59, "94287082", 1), (1_111_111_111, "14050471", 29), (20_000_000_000, "65353130", 10)]
        {
            let (code, good_for) = now(&secret, 8, 30, Millis::from_seconds(seconds)).unwrap();
            assert_eq!((code.expose(), good_for), (wanted, left));
        }
        assert!(now("not base 32!", 6, 30, Millis(0)).is_none());
    }
}
