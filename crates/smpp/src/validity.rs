//! `validity_period` (SMPP 3.4 §7.1.1): after it the SMSC must not deliver a message any more.

use serde::Deserialize;
use std::time::Duration;
use types::Millis;

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// From the moment at which the SMSC takes the message: no two clocks have to agree.
    #[default]
    Relative,
    /// A point in time, in UTC, for an SMSC that can't count.
    Absolute,
    /// Not at all, for one that refuses both. A code may then reach a telephone after its end.
    None,
}

impl Validity {
    /// The field's 16 octets, or none. A period is cut to whole seconds, at least one.
    #[must_use]
    pub fn text(self, valid_for: Duration, now: Millis) -> String {
        let seconds = i64::try_from(valid_for.as_secs()).unwrap_or(i64::MAX).clamp(1, 30 * 86_400);
        match self {
            Self::Relative => {
                let (minutes, seconds) = (seconds / 60, seconds % 60);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                let (days, hours) = (hours / 24, hours % 24);
                format!("0000{days:02}{hours:02}{minutes:02}{seconds:02}000R")
            }
            Self::Absolute => jiff::Timestamp::from_second(now.seconds().saturating_add(seconds))
                .map(|end| end.strftime("%y%m%d%H%M%S000+").to_string())
                .unwrap_or_default(),
            Self::None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms() {
        let now = Millis::from_seconds(1_795_314_600);
        assert_eq!(Validity::Relative.text(Duration::from_secs(600), now), "000000001000000R");
        assert_eq!(Validity::Relative.text(Duration::from_secs(90_061), now), "000001010101000R");
        assert_eq!(Validity::Relative.text(Duration::ZERO, now), "000000000001000R");
        assert_eq!(Validity::Absolute.text(Duration::from_secs(600), now), "261122024000000+");
        assert_eq!(Validity::None.text(Duration::from_secs(600), now), "");
    }

    proptest! {
        #[test]
        fn always_sixteen_octets(seconds: u64, now in 0_i64..4_000_000_000) {
            for form in [Validity::Relative, Validity::Absolute] {
                prop_assert_eq!(form.text(Duration::from_secs(seconds), Millis::from_seconds(now)).len(), 16);
            }
        }
    }
}
