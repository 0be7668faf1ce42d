//! How many unanswered messages are too many.
//!
//! Two sets. The *published* one is Authgear's (docs/specs/fraud-protection.md in its repository, read in 2026): for a country in a
//! day max(20, a fifth of the best of 14 days, a fifth of what was entered today), in an hour max(3, a sixth of that, a fifth of what
//! was entered in the hour); for an address max(10, a fifth of a day's) and max(5, a sixth of that). Authgear only records where they
//! are passed. Here they refuse where a tenant is strict. The *usual* set refuses where fewer than two of five codes are entered (Telnyx
//! calls six to eight of ten healthy), from higher floors, so that four people who forget their telephone stop nobody.

use crate::window::{Count, Window};
use types::Millis;

/// A country's, in an hour and in a day, and an address's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Set {
    /// Unanswered for each hundred that were entered.
    share: u32,
    country_day: u32,
    country_hour: u32,
    address_day: u32,
    address_hour: u32,
    /// Whether an address's hour is also measured by what was entered in it.
    address_by_hour: bool,
}

pub(crate) const PUBLISHED: Set =
    Set { share: 20, country_day: 20, country_hour: 3, address_day: 10, address_hour: 5, address_by_hour: false };

pub(crate) const USUAL: Set =
    Set { share: 150, country_day: 60, country_hour: 30, address_day: 30, address_hour: 10, address_by_hour: true };

/// Distinct countries, none of whose codes was entered, that one address may ask for in a day (Authgear's).
pub(crate) const ADDRESS_COUNTRIES: usize = 3;

/// Numbers that the directory holds have their owners behind them, who all come at nine o'clock: floors are as many times higher.
pub(crate) const KNOWN_TIMES: u32 = 10;

/// Unanswered messages to one beginning of numbers, in an hour and in a day, where nothing was entered.
pub(crate) const PREFIX_FLOOR: u32 = 20;

/// From so many messages on their conversion says something (S4) …
pub(crate) const CONVERSION_SENT: u32 = 20;
/// … and fewer than one in so many is none.
pub(crate) const CONVERSION_ONE_IN: u32 = 10;

/// Unanswered numbers of one block of 10,000, within ten minutes.
pub(crate) const ADJACENT: usize = 5;

impl Set {
    const fn of(self, verified: u32) -> u32 {
        verified.saturating_mul(self.share) / 100
    }

    pub(crate) fn country_day(self, window: &Window, now: Millis, times: u32) -> u32 {
        (self.country_day * times).max(self.of(window.best_day())).max(self.of(window.day(now).verified))
    }

    pub(crate) fn country_hour(self, window: &Window, now: Millis, times: u32) -> u32 {
        let day = self.country_day(window, now, times);
        (self.country_hour * times).max(day / 6).max(self.of(window.hour(now).verified))
    }

    pub(crate) fn address_day(self, day: Count, times: u32) -> u32 {
        (self.address_day * times).max(self.of(day.verified))
    }

    pub(crate) fn address_hour(self, day: Count, hour: Count, times: u32) -> u32 {
        let by_hour = if self.address_by_hour { self.of(hour.verified) } else { 0 };
        (self.address_hour * times).max(self.of(day.verified) / 6).max(by_hour)
    }
}

/// A beginning's: two of five codes must be entered once there are more than a handful.
pub(crate) fn prefix(count: Count, times: u32) -> u32 {
    (PREFIX_FLOOR * times).max(USUAL.of(count.verified))
}

/// Whether hardly a code was entered.
pub(crate) const fn converts_badly(count: Count, times: u32) -> bool {
    count.sent >= CONVERSION_SENT * times && count.verified * CONVERSION_ONE_IN < count.sent
}
