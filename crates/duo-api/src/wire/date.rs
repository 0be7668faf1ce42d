//! The date that a client signs.

use super::ApiError;
use jiff::fmt::rfc2822::DateTimeParser;
use std::time::Duration;
use types::Millis;

/// How far a signed date may lie from our clock, before or after: five minutes, as in duo_unix's mock server.
pub const WINDOW: Duration = Duration::from_secs(300);

/// Longest date that is looked at; the longest seen (`Sat, 21 Nov 2026 20:00:00 +0000`) has 31 bytes.
const LONGEST: usize = 64;

// The day's name depends on the client's locale tables and decides nothing.
const PARSER: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Reads an RFC 2822 date with any offset. Seen: `-0000` (Python), `GMT` (JavaScript), `+0000` (Go, duo_unix, C#), a local
/// offset (Ruby, PHP, Python with `sig_timezone`).
///
/// The signature is over the text as sent, never over what was read from it.
#[must_use]
pub fn parse(text: &str) -> Option<Millis> {
    if text.len() > LONGEST {
        return None;
    }
    PARSER.parse_timestamp(text.trim()).ok().map(|at| Millis(at.as_millisecond()))
}

/// When the request says it was signed, if that is near enough to `now`.
pub(super) fn within_window(text: &str, now: Millis) -> Result<Millis, ApiError> {
    let Some(signed_at) = parse(text) else {
        return Err(ApiError::bad_timestamp("The date is not an RFC 2822 date."));
    };
    if now.since(signed_at) > WINDOW || signed_at.since(now) > WINDOW {
        return Err(ApiError::bad_timestamp("The date is more than five minutes away from the server's clock."));
    }
    Ok(signed_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EIGHT_PM: Millis = Millis(1_795_291_200_000);

    #[test]
    fn dates_of_the_real_clients_name_the_same_second() {
        for text in [
            "Sat, 21 Nov 2026 20:00:00 -0000",
            "Sat, 21 Nov 2026 20:00:00 +0000",
            "Sat, 21 Nov 2026 20:00:00 GMT",
            "Sat, 21 Nov 2026 15:00:00 -0500",
            "Sun, 22 Nov 2026 01:30:00 +0530",
            "21 Nov 2026 20:00:00 +0000",
            "Mon, 21 Nov 2026 20:00:00 +0000",
        ] {
            assert_eq!(parse(text), Some(EIGHT_PM), "{text}");
        }
        assert_eq!(parse("Thu, 1 Oct 2026 00:00:00 +0000"), parse("Thu, 01 Oct 2026 00:00:00 +0000"));
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in
            ["", "now", "1795291200", "2026-11-21T20:00:00Z", "Sat, 31 Feb 2026 20:00:00 GMT", &"9".repeat(4096)]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_window_is_five_minutes_each_way_and_inclusive() {
        let text = "Sat, 21 Nov 2026 20:00:00 GMT";
        for (offset, fits) in [(0, true), (300_000, true), (-300_000, true), (300_001, false), (-300_001, false)] {
            assert_eq!(within_window(text, Millis(EIGHT_PM.0 + offset)).is_ok(), fits, "{offset}");
        }
        assert_eq!(within_window("yesterday", EIGHT_PM).map_err(|error| error.code()), Err(40_105));
        // No overflow at the ends of time.
        assert!(within_window(text, Millis(i64::MAX)).is_err());
        assert!(within_window(text, Millis(i64::MIN)).is_err());
    }

    proptest! {
        #[test]
        fn any_second_survives_the_way_through_its_text(second in 0_i64..4_000_000_000) {
            let text = jiff::fmt::rfc2822::to_string(
                &jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
            prop_assert_eq!(parse(&text), Some(Millis::from_seconds(second)));
        }

        #[test]
        fn garbage_does_no_harm(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }
    }
}
