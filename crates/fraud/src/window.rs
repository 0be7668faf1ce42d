//! How many messages went in the last hour, day and fortnight, and how many of their codes were entered.

use std::{collections::VecDeque, time::Duration};
use types::Millis;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Whole days that the best of them is looked for in.
const FORTNIGHT: i64 = 14;

/// Messages, and how many of their codes were entered. A code counts for the time at which its message went.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) sent: u32,
    pub(crate) verified: u32,
}

impl Count {
    pub(crate) const fn unverified(self) -> u32 {
        self.sent.saturating_sub(self.verified)
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: i64,
    count: Count,
}

/// Slots of one length, the newest last; only those in which something went.
#[derive(Default, Debug)]
struct Slots(VecDeque<Slot>);

impl Slots {
    fn change(&mut self, number: i64, add: bool, change: impl FnOnce(&mut Count)) {
        if let Some(slot) = self.0.iter_mut().rev().find(|slot| slot.number == number) {
            change(&mut slot.count);
        } else if add {
            let mut slot = Slot { number, count: Count::default() };
            change(&mut slot.count);
            // A clock may be set back; the order stays.
            let place = self.0.partition_point(|slot| slot.number < number);
            self.0.insert(place, slot);
        }
    }

    fn forget(&mut self, before: i64) {
        while self.0.front().is_some_and(|slot| slot.number < before) {
            self.0.pop_front();
        }
    }

    fn sum(&self, range: std::ops::RangeInclusive<i64>) -> Count {
        let mut sum = Count::default();
        for slot in self.0.iter().filter(|slot| range.contains(&slot.number)) {
            sum.sent = sum.sent.saturating_add(slot.count.sent);
            sum.verified = sum.verified.saturating_add(slot.count.verified);
        }
        sum
    }
}

/// One window: at most 60 + 24 + 15 slots.
#[derive(Default, Debug)]
pub(crate) struct Window {
    minutes: Slots,
    hours: Slots,
    days: Slots,
}

impl Window {
    pub(crate) fn sent(&mut self, now: Millis) {
        self.change(now, true, |count| count.sent = count.sent.saturating_add(1));
        self.minutes.forget(now.0.div_euclid(MINUTE) - 60);
        self.hours.forget(now.0.div_euclid(HOUR) - 24);
        self.days.forget(now.0.div_euclid(DAY) - FORTNIGHT);
    }

    pub(crate) fn verified(&mut self, sent: Millis) {
        self.change(sent, false, |count| count.verified = count.verified.saturating_add(1).min(count.sent));
    }

    /// It was counted, and did not go.
    pub(crate) fn taken_back(&mut self, sent: Millis) {
        self.change(sent, false, |count| count.sent = count.sent.saturating_sub(1).max(count.verified));
    }

    fn change(&mut self, at: Millis, add: bool, change: impl Fn(&mut Count)) {
        self.minutes.change(at.0.div_euclid(MINUTE), add, &change);
        self.hours.change(at.0.div_euclid(HOUR), add, &change);
        self.days.change(at.0.div_euclid(DAY), add, &change);
    }

    /// The last hour.
    pub(crate) fn hour(&self, now: Millis) -> Count {
        let minute = now.0.div_euclid(MINUTE);
        self.minutes.sum(minute - 59..=minute)
    }

    /// The last hour, without the newest messages: somebody who is still looking for his telephone has not failed.
    pub(crate) fn settled_hour(&self, now: Millis, patience: Duration) -> Count {
        let minute = now.0.div_euclid(MINUTE);
        let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX).saturating_add(MINUTE - 1) / MINUTE;
        self.minutes.sum(minute - 59..=minute.saturating_sub(patience))
    }

    /// The last day, to the hour.
    pub(crate) fn day(&self, now: Millis) -> Count {
        let hour = now.0.div_euclid(HOUR);
        self.hours.sum(hour - 23..=hour)
    }

    /// The most codes that were entered on one of the last 14 days, UTC.
    pub(crate) fn best_day(&self) -> u32 {
        self.days.0.iter().map(|slot| slot.count.verified).max().unwrap_or(0)
    }

    /// Whether it has nothing to say any more.
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        let day = now.0.div_euclid(DAY);
        self.days.0.back().is_none_or(|slot| slot.number < day - FORTNIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(180);

    #[test]
    fn windows_slide() {
        let start = Millis(1_000 * DAY);
        let mut window = Window::default();
        for minute in 0..90 {
            window.sent(Millis(start.0 + minute * MINUTE));
        }
        let now = Millis(start.0 + 89 * MINUTE);
        assert_eq!(window.hour(now), Count { sent: 60, verified: 0 });
        assert_eq!(window.settled_hour(now, PATIENCE).sent, 57);
        assert_eq!(window.day(now).sent, 90);
        window.verified(now);
        assert_eq!(window.hour(now), Count { sent: 60, verified: 1 });
        window.verified(start);
        assert_eq!(window.day(now), Count { sent: 90, verified: 2 });
        window.taken_back(Millis(now.0 - MINUTE));
        assert_eq!(window.hour(now).sent, 59);
        assert_eq!(window.best_day(), 2);
        assert_eq!(window.day(Millis(now.0 + 25 * HOUR)), Count::default());
        assert!(!window.is_over(Millis(now.0 + 13 * DAY)) && window.is_over(Millis(now.0 + 16 * DAY)));
    }

    proptest! {
        #[test]
        fn never_more_entered_than_sent(steps in proptest::collection::vec((0_u8..4, 0_i64..200_000), 0..200)) {
            let mut window = Window::default();
            let mut now = Millis(500 * DAY);
            for (what, by) in steps {
                match what {
                    0 => now = Millis(now.0 + by * 50),
                    1 => window.sent(now),
                    2 => window.verified(Millis(now.0 - by)),
                    _ => window.taken_back(Millis(now.0 - by)),
                }
                for count in [window.hour(now), window.day(now), window.settled_hour(now, PATIENCE)] {
                    prop_assert!(count.verified <= count.sent);
                }
                prop_assert!(window.minutes.0.len() <= 62 && window.hours.0.len() <= 26 && window.days.0.len() <= 16);
            }
        }
    }
}
