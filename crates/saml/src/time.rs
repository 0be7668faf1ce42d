//! Moments as SAML writes them: in UTC, with a `Z` (saml-core §1.3.3).

use std::time::Duration;
use types::Millis;

/// By how much others' clocks may differ from ours.
pub(crate) const SKEW: Duration = Duration::from_secs(60);
/// How old a request may be when it arrives. A browser brings it at once, or after a person has looked at a page of the application's.
pub(crate) const REQUEST_LIFE: Duration = Duration::from_secs(300);

/// Reads `2026-01-31T23:59:59.999Z`. Fractions finer than milliseconds are cut; without a zone it is UTC. None for another zone, for a
/// moment that doesn't exist, and for years that aren't of four digits.
pub(crate) fn read(text: &str) -> Option<Millis> {
    let plain = text.strip_suffix('Z').unwrap_or(text);
    let (whole, fraction) = match plain.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (plain, "0"),
    };
    if whole.len() != 19 || !(1..=20).contains(&fraction.len()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let shape = whole.bytes().zip(*b"0000-00-00T00:00:00");
    for (byte, wanted) in shape {
        if wanted == b'0' && !byte.is_ascii_digit() || wanted != b'0' && byte != wanted {
            return None;
        }
    }
    // The library takes a second of 60, which no clock of ours has.
    if whole.ends_with(":60") {
        return None;
    }
    let seconds = format!("{whole}Z").parse::<jiff::Timestamp>().ok()?.as_second();
    let millis = fraction.chars().chain("000".chars()).take(3).collect::<String>().parse::<i64>().ok()?;
    Some(Millis(seconds.checked_mul(1000)?.checked_add(millis)?))
}

/// Writes a moment, to the millisecond.
pub(crate) fn write(at: Millis) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(at) => format!("{at:.3}"),
        // Beyond the year 9999, where no clock of ours is.
        Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
    }
}

/// Whether a message that was issued then may be taken now.
pub(crate) fn is_fresh(issued: Millis, now: Millis) -> bool {
    issued <= now + SKEW && now < issued + REQUEST_LIFE + SKEW
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_read_exactly() {
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(Millis(0)));
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(Millis(1500)));
        assert_eq!(read("1970-01-01T00:00:01.123456789"), Some(Millis(1123)));
        assert_eq!(write(Millis(1500)), "1970-01-01T00:00:01.500Z");
        for wrong in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:00+01:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:60Z",
            "1970-02-30T00:00:00Z",
            "-1970-01-01T00:00:00Z",
            "1970-01-01 00:00:00Z",
            " 1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00ZZ",
            "１970-01-01T00:00:00Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_is_taken_in_its_window_to_the_millisecond() {
        let now = Millis(1_700_000_000_000);
        let late = REQUEST_LIFE + SKEW;
        assert!(is_fresh(now, now));
        assert!(is_fresh(now + SKEW, now) && !is_fresh(now + SKEW + Duration::from_millis(1), now));
        assert!(is_fresh(now, now + late - Duration::from_millis(1)) && !is_fresh(now, now + late));
        assert!(
            !is_fresh(now, now + late + Duration::from_secs(1)) && is_fresh(now, now + late - Duration::from_secs(1))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(at in 0_i64..253_402_300_799_000) {
            prop_assert_eq!(read(&write(Millis(at))), Some(Millis(at)));
        }

        #[test]
        fn any_text_is_judged(text in "\\PC{0,40}|[0-9TZ:.-]{0,30}") {
            let _ = read(&text);
        }
    }
}
