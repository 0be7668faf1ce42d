//! A histogram with fixed bounds: recording is three additions, and it never grows.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds, in seconds, of a histogram whose name ends in `_seconds`: from what an in-memory answer takes to what
/// a long-poll takes.
const SECONDS: [f64; BUCKETS] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0];

/// Upper bounds of any other: sizes and counts.
const AMOUNTS: [f64; BUCKETS] = [
    1.0,
    2.0,
    4.0,
    8.0,
    16.0,
    32.0,
    64.0,
    128.0,
    256.0,
    512.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

const BUCKETS: usize = 16;

/// The sum is kept in billionths, so that it is one integer addition.
const PARTS: f64 = 1e9;

/// The histogram.
pub struct Histogram {
    bounds: &'static [f64; BUCKETS],
    /// One a bucket, and one for what lies above every bound.
    counts: [AtomicU64; BUCKETS + 1],
    sum: AtomicU64,
}

/// What a histogram holds at one moment.
pub struct Snapshot {
    /// Each bound with how many values were at most that.
    pub cumulative: Vec<(f64, u64)>,
    /// How many values there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// An empty one, with the bounds that suit `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let bounds = if name.ends_with("_seconds") { &SECONDS } else { &AMOUNTS };
        Self { bounds, counts: [const { AtomicU64::new(0) }; BUCKETS + 1], sum: AtomicU64::new(0) }
    }

    /// Adds a value; a negative one counts as zero.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(BUCKETS);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // `as` saturates, and makes zero of what is negative or not a number.
        self.sum.fetch_add((value * PARTS) as u64, Ordering::Relaxed);
    }

    /// What it holds now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut count = 0;
        let mut counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let cumulative = self
            .bounds
            .iter()
            .zip(counts.by_ref())
            .map(|(bound, here)| {
                count += here;
                (*bound, count)
            })
            .collect();
        let above: u64 = counts.sum();
        Snapshot { cumulative, count: count + above, sum: self.sum.load(Ordering::Relaxed) as f64 / PARTS }
    }
}

impl metrics::HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_land_in_their_buckets_and_above() {
        let histogram = Histogram::named("http_request_seconds");
        for value in [0.0005, 0.0006, 3.0, 500.0, -1.0, f64::NAN] {
            histogram.observe(value);
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count, 6);
        assert_eq!(snapshot.cumulative.first(), Some(&(0.0005, 2)));
        assert_eq!(snapshot.cumulative.get(1), Some(&(0.001, 3)));
        assert_eq!(snapshot.cumulative.last(), Some(&(120.0, 4)), "500 and what is no number are above");
        assert!((snapshot.sum - 503.0011).abs() < 1e-6, "{}", snapshot.sum);
        let amounts = Histogram::named("store_batch");
        amounts.observe(3.0);
        assert_eq!(amounts.snapshot().cumulative.get(2), Some(&(4.0, 1)));
    }
}
