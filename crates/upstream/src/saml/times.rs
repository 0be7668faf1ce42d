//! Times as SAML writes them (saml-core-2.0-os, 1.3.3), and durations.

use std::time::Duration;

use jiff::{Span, Timestamp};
use types::Millis;

use super::SamlError;

/// `xs:dateTime` with its zone. Without one it would be anybody's time.
pub(super) fn parse(text: &str) -> Result<Millis, SamlError> {
    const BAD: SamlError = SamlError::Part("a time");
    let text = text.trim();
    let fits = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'-' | b'+' | b':' | b'.' | b'T' | b'Z');
    if text.len() > 40 || !text.bytes().all(fits) {
        return Err(BAD);
    }
    text.parse::<Timestamp>().map(|time| Millis(time.as_millisecond())).map_err(|_| BAD)
}

pub(super) fn write(time: Millis) -> String {
    Timestamp::from_second(time.seconds()).map_or_else(|_| String::new(), |time| time.to_string())
}

/// `xs:duration` of weeks at most; nothing for one with months or years, or that isn't one.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    // The library takes "1h", too.
    if text.len() > 40 || !text.starts_with('P') {
        return None;
    }
    let span: Span = text.parse().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 || span.is_negative() {
        return None;
    }
    let days = i64::from(span.get_weeks()).checked_mul(7)?.checked_add(i64::from(span.get_days()))?;
    let hours = days.checked_mul(24)?.checked_add(i64::from(span.get_hours()))?;
    let minutes = hours.checked_mul(60)?.checked_add(span.get_minutes())?;
    let seconds = minutes.checked_mul(60)?.checked_add(span.get_seconds())?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_providers_write_them() {
        for (text, time) in [
            ("2026-11-22T06:00:00Z", 1_795_327_200_000),
            ("2026-11-22T06:00:00.123Z", 1_795_327_200_123),
            ("2026-11-22T06:00:00.1234567Z", 1_795_327_200_123),
            ("2026-11-22T07:00:00+01:00", 1_795_327_200_000),
            (" 2026-11-22T06:00:00Z\n", 1_795_327_200_000),
        ] {
            assert_eq!(parse(text), Ok(Millis(time)), "{text}");
        }
        for bad in ["", "2026-11-22T06:00:00", "2026-11-22", "now", "2026-13-22T06:00:00Z", "2026-11-22T06:00:00Z[UTC]"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(write(Millis(1_795_327_200_999)), "2026-11-22T06:00:00Z");
    }

    #[test]
    fn durations() {
        assert_eq!(duration("PT1H30M"), Some(Duration::from_secs(5_400)));
        assert_eq!(duration("P7D"), Some(Duration::from_secs(604_800)));
        assert_eq!(duration("P1DT1S"), Some(Duration::from_secs(86_401)));
        for bad in ["P1Y", "P1M", "-PT1H", "1h", "", "PT"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
