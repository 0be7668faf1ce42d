//! How well a carrier does on a prefix: which share of what it took arrived, and which share of the codes that arrived was entered.
//!
//! A receipt is what a carrier says of itself; that a code was entered is what happened. Both are counted, and either may put a
//! carrier behind its peers. What was counted loses half its weight in [`HALF_LIFE`], so that a carrier which was put behind, and so
//! gets no messages to do better with, is tried again.

use super::arrivals::{Arrivals, LONGEST, Latency};
use std::{collections::HashMap, time::Duration};
use types::Millis;

/// In this time a count loses half its weight.
pub(crate) const HALF_LIFE: Duration = Duration::from_secs(600);
/// With less than so many, a share says nothing.
const ENOUGH: f64 = 30.0;
/// Behind is who has less than this part of the best peer's share.
const BEHIND: f64 = 0.8;

/// A share of successes among so many.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Share {
    good: f64,
    all: f64,
}

impl Share {
    fn count(&mut self, good: bool) {
        self.all += 1.0;
        self.good += f64::from(u8::from(good));
    }

    fn fade(&mut self, factor: f64) {
        self.good *= factor;
        self.all *= factor;
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts: small and never negative")]
    fn tally(self) -> Tally {
        Tally { good: self.good.round() as u64, all: self.all.round() as u64 }
    }

    fn value(self) -> Option<f64> {
        (self.all >= ENOUGH).then(|| self.good / self.all)
    }
}

/// Successes among so many, where what is older counts less.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The successes.
    pub good: u64,
    /// All of them.
    pub all: u64,
}

impl Tally {
    /// The share of successes in percent, rounded down; `None` of nothing.
    #[must_use]
    pub fn percent(self) -> Option<u64> {
        self.good.saturating_mul(100).checked_div(self.all)
    }
}

/// What is known of a carrier.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub(crate) struct Score {
    /// The share that arrived, 0 to 1; `None` before enough is known.
    pub(crate) delivered: Option<f64>,
    /// The share of codes that were entered.
    pub(crate) verified: Option<f64>,
}

impl Score {
    /// The best of each.
    pub(crate) fn best(scores: impl Iterator<Item = Self>) -> Self {
        scores.fold(Self::default(), |best, score| Self {
            delivered: larger(best.delivered, score.delivered),
            verified: larger(best.verified, score.verified),
        })
    }

    /// Whether it does much worse than the best.
    pub(crate) fn is_behind(self, best: Self) -> bool {
        let behind = |mine: Option<f64>, best: Option<f64>| matches!((mine, best), (Some(mine), Some(best)) if mine < BEHIND * best);
        behind(self.delivered, best.delivered) || behind(self.verified, best.verified)
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (one, other) => one.or(other),
    }
}

/// What happened to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The person's telephone has it.
    Delivered,
    /// It was lost, and that is the carrier's fault.
    Lost,
    /// Its code was entered.
    Verified,
    /// Its code was not entered while it counted.
    Unused,
}

impl Outcome {
    /// As it stands in the metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::Verified => "verified",
            Self::Unused => "unused",
        }
    }
}

#[derive(Default)]
struct Record {
    delivered: Share,
    verified: Share,
    faded_at: Option<Millis>,
    arrivals: Arrivals,
}

/// Every carrier's record on every prefix.
#[derive(Default)]
pub(crate) struct Health {
    records: HashMap<String, HashMap<String, Record>>,
}

impl Health {
    /// Counts what happened to a message.
    pub(crate) fn count(&mut self, carrier: &str, prefix: &str, outcome: Outcome, now: Millis) {
        let record = self.records.entry(carrier.to_owned()).or_default().entry(prefix.to_owned()).or_default();
        record.fade(now);
        match outcome {
            Outcome::Delivered => record.delivered.count(true),
            Outcome::Lost => record.delivered.count(false),
            Outcome::Verified => record.verified.count(true),
            Outcome::Unused => record.verified.count(false),
        }
    }

    /// Notes how long a message took to arrive; `None` for a receipt that did not come.
    pub(crate) fn note_arrival(&mut self, carrier: &str, prefix: &str, took: Option<Duration>) {
        let record = self.records.entry(carrier.to_owned()).or_default().entry(prefix.to_owned()).or_default();
        match took {
            Some(took) => record.arrivals.note(took),
            None => record.arrivals.note_missing(),
        }
    }

    /// So long the receipt of a code is worth waiting for.
    pub(crate) fn patience(&self, carrier: &str, prefix: &str) -> Duration {
        self.record(carrier, prefix).map_or(LONGEST, |record| record.arrivals.patience())
    }

    /// How long messages take to arrive, where enough is known.
    pub(crate) fn latency(&self, carrier: &str, prefix: &str) -> Option<Latency> {
        self.record(carrier, prefix)?.arrivals.latency()
    }

    fn record(&self, carrier: &str, prefix: &str) -> Option<&Record> {
        self.records.get(carrier)?.get(prefix)
    }

    /// What is known at `now`.
    pub(crate) fn score(&self, carrier: &str, prefix: &str, now: Millis) -> Score {
        let (delivered, verified) = self.shares(carrier, prefix, now);
        Score { delivered: delivered.value(), verified: verified.value() }
    }

    /// How many arrived, and how many codes were entered, of what was counted lately.
    pub(crate) fn tallies(&self, carrier: &str, prefix: &str, now: Millis) -> (Tally, Tally) {
        let (delivered, verified) = self.shares(carrier, prefix, now);
        (delivered.tally(), verified.tally())
    }

    fn shares(&self, carrier: &str, prefix: &str, now: Millis) -> (Share, Share) {
        let Some(record) = self.record(carrier, prefix) else { return Default::default() };
        let factor = record.factor(now);
        let (mut delivered, mut verified) = (record.delivered, record.verified);
        delivered.fade(factor);
        verified.fade(factor);
        (delivered, verified)
    }

    /// Every carrier and prefix that something is known of.
    pub(crate) fn known(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records
            .iter()
            .flat_map(|(carrier, prefixes)| prefixes.keys().map(|prefix| (carrier.as_str(), prefix.as_str())))
    }
}

impl Record {
    fn factor(&self, now: Millis) -> f64 {
        let Some(since) = self.faded_at else { return 1.0 };
        0.5_f64.powf(now.since(since).as_secs_f64() / HALF_LIFE.as_secs_f64())
    }

    fn fade(&mut self, now: Millis) {
        let factor = self.factor(now);
        self.delivered.fade(factor);
        self.verified.fade(factor);
        self.faded_at = Some(now);
    }
}
