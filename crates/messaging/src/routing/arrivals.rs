//! How long messages take to arrive, and so how long the receipt of a code is worth waiting for.
//!
//! Of each carrier and prefix the last [`KEPT`] receipts are remembered. Twice the time that all but one in twenty of them took is waited
//! for: a code whose receipt takes longer is probably lost, and a person who waits at a sign-in gives up soon. A receipt that did not come
//! counts as one that takes as long as is ever waited, so that too short a wait doesn't confirm itself.

use std::{collections::VecDeque, time::Duration};

/// So long the receipt of a code is waited for at most where nobody has said otherwise, from when the carrier was shown it: with the second
/// that another wording takes, it is on another way within ten.
pub(crate) const LONGEST: Duration = Duration::from_secs(9);
/// So long at least.
pub(crate) const SHORTEST: Duration = Duration::from_secs(3);
/// With fewer receipts nothing is known.
const ENOUGH: usize = 20;
const KEPT: usize = 200;

/// How long the last messages took to arrive.
#[derive(Default)]
pub(crate) struct Arrivals(VecDeque<Duration>);

/// What is known of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latency {
    /// Half of the messages were there after this time.
    pub median: Duration,
    /// All but one in twenty.
    pub slow: Duration,
}

impl Arrivals {
    /// Remembers one that took so long.
    pub(crate) fn note(&mut self, took: Duration) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(took);
    }

    /// Remembers one that did not come.
    pub(crate) fn note_missing(&mut self) {
        self.note(LONGEST);
    }

    /// `None` before enough is known.
    pub(crate) fn latency(&self) -> Option<Latency> {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len().saturating_mul(percent) / 100).copied();
        (sorted.len() >= ENOUGH).then(|| Some(Latency { median: at(50)?, slow: at(95)? })).flatten()
    }

    /// So long the next receipt is worth waiting for.
    pub(crate) fn patience(&self) -> Duration {
        self.latency().map_or(LONGEST, |latency| (latency.slow * 2).clamp(SHORTEST, LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: impl IntoIterator<Item = f64>) -> Arrivals {
        let mut arrivals = Arrivals::default();
        seconds.into_iter().for_each(|it| arrivals.note(Duration::from_secs_f64(it)));
        arrivals
    }

    #[test]
    fn who_is_quick_is_waited_for_less() {
        let wait = |seconds: &[f64]| of(seconds.iter().copied().cycle().take(100)).patience().as_secs_f64();
        assert!((of([1.0; 19]).patience(), of([]).patience()) == (LONGEST, LONGEST), "too little is known");
        assert!((wait(&[0.2]) - 3.0).abs() < 1e-6);
        assert!((wait(&[2.0]) - 4.0).abs() < 1e-6);
        assert!((wait(&[1.0, 1.0, 1.0, 4.0]) - 8.0).abs() < 1e-6, "one in four takes four seconds");
        assert!((wait(&[20.0]) - 9.0).abs() < 1e-6);
    }

    #[test]
    fn one_in_twenty_may_be_late_and_more_are_waited_for() {
        let mut arrivals = of([1.0; 96]);
        (0..4).for_each(|_| arrivals.note_missing());
        assert_eq!(arrivals.patience(), SHORTEST);
        (0..10).for_each(|_| arrivals.note_missing());
        assert_eq!(arrivals.patience(), LONGEST);
        assert_eq!(arrivals.latency().unwrap().median, Duration::from_secs(1));
        (0..KEPT).for_each(|_| arrivals.note(Duration::from_secs(2)));
        assert_eq!(arrivals.patience(), Duration::from_secs(4), "the oldest are forgotten");
    }
}
