//! How fast a carrier is asked.
//!
//! Until it says that it is too fast, the window is the only limit. From then on the rate is cut by a third each time it says so, and
//! grows again by a twentieth each second (additive increase, multiplicative decrease): it settles a little below what the carrier
//! takes, and finds out when the carrier takes more.

use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// What is left of the rate when a carrier says that it is too fast.
const DECREASE: f64 = 0.7;
/// How much of the rate at the last cut comes back in each second.
const INCREASE: f64 = 0.05;
/// Carriers count by the second: what they say until the next one begins is about the same excess.
const ONE_CUT: Duration = Duration::from_secs(1);
/// How long nothing is sent after "too fast"; it doubles while nothing gets through.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// What may be made up for after an idle moment, so that timers' coarseness doesn't lower the rate.
const CREDIT: Duration = Duration::from_millis(5);
const SECOND: Duration = Duration::from_secs(1);

/// The pace of one bind's submits.
pub(crate) struct Pace(Mutex<Inner>);

struct Inner {
    ceiling: Option<f64>,
    /// Messages per second; `None` while nothing but the window limits.
    rate: Option<f64>,
    gain: f64,
    next: Option<Instant>,
    cut: Option<Instant>,
    told: Option<Instant>,
    pause: Duration,
    counted: Option<Instant>,
    count: u32,
    before: u32,
}

impl Pace {
    /// `ceiling`: messages per second that are never exceeded, `None` for no such limit.
    pub(crate) fn new(ceiling: Option<u32>) -> Self {
        let ceiling = ceiling.map(f64::from);
        Self(Mutex::new(Inner {
            ceiling,
            rate: ceiling,
            gain: ceiling.unwrap_or_default() * INCREASE,
            next: None,
            cut: None,
            told: None,
            pause: FIRST_PAUSE,
            counted: None,
            count: 0,
            before: 0,
        }))
    }

    /// When the next submit may go. Each call is one submit.
    pub(crate) fn turn(&self, now: Instant) -> Instant {
        let mut inner = self.inner();
        let Some(rate) = inner.rate else { return inner.next.map_or(now, |next| next.max(now)) };
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let turn = inner.next.map_or(now, |next| next.max(earliest));
        inner.next = Some(turn + SECOND.div_f64(rate));
        turn
    }

    /// A submit was taken.
    pub(crate) fn taken(&self, now: Instant) {
        let mut inner = self.inner();
        inner.pause = FIRST_PAUSE;
        inner.count(now);
        if let Some(rate) = inner.rate {
            let grown = rate + inner.gain / rate;
            inner.rate = Some(inner.ceiling.map_or(grown, |ceiling| grown.min(ceiling)));
        }
    }

    /// The carrier says that it is too fast, of a submit that went out at `sent`.
    pub(crate) fn throttled(&self, sent: Instant, now: Instant) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        // What was on its way already when the last word was said says nothing new.
        if inner.told.is_some_and(|told| sent < told) {
            return;
        }
        inner.told = Some(now);
        let pause = now + inner.pause;
        inner.next = Some(inner.next.map_or(pause, |next| next.max(pause)));
        inner.pause = (inner.pause * 2).min(LAST_PAUSE);
        if inner.cut.is_some_and(|cut| now.duration_since(cut) < ONE_CUT) {
            return;
        }
        inner.cut = Some(now);
        let rate = inner.rate.unwrap_or_else(|| f64::from(inner.before.max(inner.count).max(1)));
        inner.gain = (rate * INCREASE).max(1.0);
        inner.rate = Some((rate * DECREASE).max(1.0));
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts what was taken in this second, so that the first cut knows where it begins.
    fn count(&mut self, now: Instant) {
        let since = self.counted.map(|counted| now.duration_since(counted));
        if since.is_none_or(|since| since >= SECOND) {
            self.before = if since.is_some_and(|since| since < 2 * SECOND) { self.count } else { 0 };
            self.counted = Some(now);
            self.count = 0;
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An SMSC that takes `limit` in each second and throttles the rest, with a window of 20 and answers after 20 ms. Gives what was
    /// taken and what was throttled in each second.
    fn play(pace: &Pace, start: Instant, limit: u32, seconds: usize) -> Vec<(u32, u32)> {
        let mut now = start;
        let mut seen = vec![(0, 0); seconds];
        let mut window = std::collections::VecDeque::new();
        let hear = |(sent, fits): (Instant, bool)| {
            let now = sent + Duration::from_millis(20);
            if fits { pace.taken(now) } else { pace.throttled(sent, now) }
        };
        loop {
            if window.len() == 20 {
                let oldest: (Instant, bool) = window.pop_front().unwrap();
                now = now.max(oldest.0 + Duration::from_millis(20));
                hear(oldest);
            }
            let turn = pace.turn(now).max(now);
            while let Some(oldest) = window.pop_front_if(|(sent, _)| *sent + Duration::from_millis(20) <= turn) {
                hear(oldest);
            }
            now = turn;
            let second = usize::try_from(now.duration_since(start).as_secs()).unwrap();
            let Some((taken, refused)) = seen.get_mut(second) else { return seen };
            let fits = *taken < limit;
            *if fits { taken } else { refused } += 1;
            window.push_back((now, fits));
        }
    }

    #[test]
    fn it_settles_below_what_is_taken() {
        let pace = Pace::new(None);
        let seconds = play(&pace, Instant::now(), 100, 60);
        let (taken, refused) =
            seconds[10..].iter().fold((0, 0), |sum, (taken, refused)| (sum.0 + taken, sum.1 + refused));
        assert!(taken >= 50 * 70, "{seconds:?}");
        assert!(refused * 10 < taken, "{seconds:?}");
    }

    #[test]
    fn it_finds_out_that_more_is_taken() {
        let pace = Pace::new(None);
        let start = Instant::now();
        play(&pace, start, 20, 20);
        let seconds = play(&pace, start + 20 * SECOND, 1000, 60);
        assert!(seconds[59].0 > 60, "{seconds:?}");
    }

    #[test]
    fn without_a_word_of_the_carrier_only_the_ceiling_limits() {
        let pace = Pace::new(None);
        let now = Instant::now();
        assert!((0..10_000).all(|_| pace.turn(now) == now));
        let pace = Pace::new(Some(50));
        let turns: Vec<Instant> = (0..101).map(|_| pace.turn(now)).collect();
        let length = turns[100].duration_since(turns[0]);
        assert!((1_990..=2_010).contains(&length.as_millis()), "{length:?}");
        for _ in 0..1_000 {
            pace.taken(now);
        }
        assert!(pace.inner().rate.unwrap() <= 50.0);
    }

    #[test]
    fn pauses_double_while_nothing_gets_through() {
        let pace = Pace::new(None);
        let mut now = Instant::now();
        let pauses: Vec<u128> = (0..7)
            .map(|_| {
                let sent = now;
                now += Duration::from_millis(20);
                pace.throttled(sent, now);
                // What was on its way is refused, too, and changes nothing.
                pace.throttled(sent, now);
                pace.inner().pause.as_millis()
            })
            .collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
        assert!(pace.turn(now) > now);
        pace.taken(now);
        assert_eq!(pace.inner().pause, FIRST_PAUSE);
    }
}
