//! TOTP (RFC 6238) over SHA-1, the hash that hardware tokens have.

use super::hotp::hotp;
use types::{Millis, ct_eq};

/// A TOTP token as it is checked.
#[derive(Clone, Copy, Debug)]
pub struct Totp {
    /// 6 or 8.
    pub digits: u32,
    /// Length of a step in seconds: 30 or 60.
    pub period: i64,
    /// Steps that the token's clock was ahead at its last code; negative when behind.
    pub drift: i64,
    /// The last accepted step: it and those before it are used up.
    pub last_step: i64,
}

/// The step that `now` lies in (RFC 6238 §4.2, T0 = 0).
#[must_use]
pub fn totp_step(now: Millis, period: i64) -> i64 {
    now.seconds().div_euclid(period.max(1))
}

/// How far a token's clock may wander in all, in steps: an hour of half minutes. It goes so far by steps of one, each with a right
/// code, or by a resynchronisation.
pub(crate) const MAX_DRIFT: i64 = 120;

impl Totp {
    /// The step of `code`, within one step of where the token's clock should be (RFC 6238 §5.2), and not used yet.
    /// A used step is given back too, as an error, because a replay is told apart from a wrong code.
    #[must_use]
    pub fn check(&self, seed: &[u8], now: Millis, code: &str) -> Option<i64> {
        let expected = totp_step(now, self.period) + self.drift;
        let mut found = None;
        for step in expected - 1..=expected + 1 {
            let step_code = hotp(seed, u64::try_from(step).unwrap_or(0), self.digits);
            if ct_eq(step_code.as_bytes(), code.as_bytes()) {
                found = Some(step);
            }
        }
        found
    }

    /// The drift to remember after `step` was accepted.
    #[must_use]
    pub fn drift_after(&self, now: Millis, step: i64) -> i64 {
        (step - totp_step(now, self.period)).clamp(-MAX_DRIFT, MAX_DRIFT)
    }

    /// Finds a clock that has wandered further, by two or three consecutive codes: the last one's step.
    #[must_use]
    pub fn resynchronise(&self, seed: &[u8], now: Millis, window: i64, codes: &[&str]) -> Option<i64> {
        let first = totp_step(now, self.period) - window;
        super::resynchronise(seed, first.max(self.last_step) - 1, 2 * window + 1, self.digits, codes)
            .filter(|step| *step > self.last_step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let totp = Totp { digits: 8, period: 30, drift: 0, last_step: 0 };
            let now = Millis::from_seconds(seconds);
            assert_eq!(totp.check(SEED, now, code), Some(totp_step(now, 30)));
        }
    }

    #[test]
    fn one_step_either_way_and_no_more() {
        let totp = Totp { digits: 6, period: 30, drift: 0, last_step: 0 };
        let now = Millis::from_seconds(3_000_000);
        let step = totp_step(now, 30);
        for (away, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = hotp(SEED, (step + away) as u64, 6);
            assert_eq!(totp.check(SEED, now, &code), accepted.then_some(step + away), "{away}");
        }
    }

    #[test]
    fn a_slow_clock_is_followed() {
        let now = Millis::from_seconds(3_000_000);
        let step = totp_step(now, 30);
        let mut totp = Totp { digits: 6, period: 30, drift: 0, last_step: 0 };
        let found = totp.check(SEED, now, &hotp(SEED, (step - 1) as u64, 6)).unwrap();
        totp.drift = totp.drift_after(now, found);
        assert_eq!(totp.drift, -1);
        assert!(totp.check(SEED, now, &hotp(SEED, (step - 2) as u64, 6)).is_some());
        assert!(totp.check(SEED, now, &hotp(SEED, (step + 1) as u64, 6)).is_none());
    }

    #[test]
    fn a_lost_clock_is_found_by_two_codes() {
        let now = Millis::from_seconds(3_000_000);
        let step = totp_step(now, 30) - 37;
        let totp = Totp { digits: 6, period: 30, drift: 0, last_step: 0 };
        let codes = [hotp(SEED, step as u64, 6), hotp(SEED, (step + 1) as u64, 6)];
        assert_eq!(totp.resynchronise(SEED, now, 100, &[&codes[0], &codes[1]]), Some(step + 1));
        assert_eq!(totp.resynchronise(SEED, now, 10, &[&codes[0], &codes[1]]), None);
    }
}
