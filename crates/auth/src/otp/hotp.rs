//! HOTP (RFC 4226).

use aws_lc_rs::hmac;
use types::ct_eq;

/// The code of `counter`, with leading zeros (RFC 4226 §5.3).
#[must_use]
pub fn hotp(seed: &[u8], counter: u64, digits: u32) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let word = tag.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    let digits = digits.clamp(6, 9);
    format!("{:0width$}", (word & 0x7fff_ffff) % 10_u32.pow(digits), width = digits as usize)
}

/// The first counter after `last` whose code is `code`, at most `window` steps ahead (RFC 4226 §7.4).
#[must_use]
pub fn look_ahead(seed: &[u8], last: i64, window: i64, digits: u32, code: &str) -> Option<i64> {
    let mut found = None;
    for counter in last + 1..=last + window {
        let counter_code = hotp(seed, u64::try_from(counter).unwrap_or(0), digits);
        // All candidates are computed and compared, so that time doesn't tell which one fits.
        if ct_eq(counter_code.as_bytes(), code.as_bytes()) && found.is_none() {
            found = Some(counter);
        }
    }
    found
}

/// The counter of the last of two or three consecutive codes, at most `window` steps after `last` (RFC 4226 §7.4, E.4).
/// One code alone never resynchronises: over a wide window it could be guessed.
#[must_use]
pub fn resynchronise(seed: &[u8], last: i64, window: i64, digits: u32, codes: &[&str]) -> Option<i64> {
    let length = i64::try_from(codes.len()).ok().filter(|length| (2..=3).contains(length))?;
    (last + 1..=last + window)
        .find(|first| {
            (*first..).zip(codes).all(|(counter, code)| {
                ct_eq(hotp(seed, u64::try_from(counter).unwrap_or(0), digits).as_bytes(), code.as_bytes())
            })
        })
        .map(|first| first + length - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226 appendix D.
    const SEED: &[u8] = b"12345678901234567890";
    const CODES: [&str; 10] =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

    #[test]
    fn rfc_4226_appendix_d() {
        for (counter, code) in (0..).zip(CODES) {
            assert_eq!(hotp(SEED, counter, 6), code);
        }
    }

    #[test]
    fn looks_ahead_and_never_back() {
        assert_eq!(look_ahead(SEED, -1, 10, 6, "755224"), Some(0));
        assert_eq!(look_ahead(SEED, 0, 10, 6, "755224"), None);
        assert_eq!(look_ahead(SEED, 2, 5, 6, "162583"), Some(7));
        assert_eq!(look_ahead(SEED, 1, 5, 6, "162583"), None);
    }

    #[test]
    fn resynchronises_by_consecutive_codes_only() {
        assert_eq!(resynchronise(SEED, -1, 100, 6, &["162583", "399871"]), Some(8));
        assert_eq!(resynchronise(SEED, -1, 100, 6, &["162583", "399871", "520489"]), Some(9));
        assert_eq!(resynchronise(SEED, -1, 100, 6, &["162583", "520489"]), None);
        assert_eq!(resynchronise(SEED, 7, 100, 6, &["162583", "399871"]), None);
        assert_eq!(resynchronise(SEED, -1, 100, 6, &["162583"]), None);
    }
}
