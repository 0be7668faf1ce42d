//! Times: RFC 2822 in the old API, ISO 8601 in the others.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use types::Millis;

const DAY: i64 = 86_400_000;

fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_second(at.seconds()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `Sun, 22 Nov 2026 02:30:10 +0000`.
pub(crate) fn rfc2822(at: Millis) -> String {
    timestamp(at).to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// `2026-11-22T02:30:10Z`.
pub(crate) fn iso(at: Millis) -> String {
    timestamp(at).to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A moment as clients write it: ISO 8601 with `Z` or an offset.
pub(crate) fn instant(text: &str) -> Option<Millis> {
    let at: Timestamp = text.trim().parse().ok()?;
    Some(Millis(at.duration_since(Timestamp::UNIX_EPOCH).as_millis_i64()?))
}

trait AsMillis {
    fn as_millis_i64(&self) -> Option<i64>;
}

impl AsMillis for SignedDuration {
    fn as_millis_i64(&self) -> Option<i64> {
        i64::try_from(self.as_millis()).ok()
    }
}

/// The span of time that a text names: a whole day for a date, else from the moment on, of no length.
pub(crate) fn span(text: &str) -> Option<(Millis, Millis)> {
    if let Some(at) = instant(text) {
        return Some((at, at));
    }
    let date: Date = text.trim().parse().ok()?;
    let from = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some((Millis(from), Millis(from.saturating_add(DAY))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ways_of_writing() {
        let at = Millis(1_795_314_610_999);
        assert_eq!(rfc2822(at), "Sun, 22 Nov 2026 02:30:10 +0000");
        assert_eq!(iso(at), "2026-11-22T02:30:10Z");
        assert_eq!(instant("2026-11-22T02:30:10Z"), Some(Millis(1_795_314_610_000)));
        assert_eq!(instant("2026-11-22T03:30:10+01:00"), Some(Millis(1_795_314_610_000)));
        assert_eq!(instant("2026-11-22"), None);
        assert_eq!(span("2026-11-22"), Some((Millis(1_795_305_600_000), Millis(1_795_392_000_000))));
        assert_eq!(span("tomorrow"), None);
    }

    proptest! {
        #[test]
        fn whole_seconds_survive(seconds in 0_i64..(1 << 34), text in "\\PC{0,30}") {
            let at = Millis::from_seconds(seconds);
            prop_assert_eq!(instant(&iso(at)), Some(at));
            let _ = (instant(&text), span(&text));
        }
    }
}
