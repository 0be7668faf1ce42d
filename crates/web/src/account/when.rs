//! Moments, as a page shows them: in UTC, and by a script in the reader's own time.

use jiff::{Timestamp, fmt::strtime};
use types::Millis;

/// A moment: what `<time datetime>` takes (RFC 3339), and words for browsers without script.
pub(super) struct When {
    pub(super) machine: String,
    pub(super) words: String,
}

impl When {
    pub(super) fn of(at: Millis) -> Self {
        let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        let words = strtime::format("%Y-%m-%d %H:%M UTC", at).unwrap_or_default();
        Self { machine: strtime::format("%Y-%m-%dT%H:%M:%SZ", at).unwrap_or_default(), words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        let when = When::of(Millis(1_795_280_601_805));
        assert_eq!((when.machine.as_str(), when.words.as_str()), ("2026-11-21T17:03:21Z", "2026-11-21 17:03 UTC"));
        assert!(!When::of(Millis(i64::MAX)).words.is_empty());
    }
}
