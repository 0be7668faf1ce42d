//! The open loop: work has a time at which it is due, whether or not the server has kept up, and its latency counts from
//! that time. So a server that stalls is charged for everything that should have been sent meanwhile ("coordinated omission").

use crate::report::Times;
use anyhow::Result;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// How much is offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    /// Pieces of work a second.
    pub(crate) rate: f64,
    /// Before this much has passed nothing is counted.
    pub(crate) warm: Duration,
    /// How long is counted.
    pub(crate) length: Duration,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// From due to done.
    pub(crate) times: Times,
    /// Further times that the work measured itself.
    pub(crate) inner: Times,
    /// Pieces that failed, with the first one's error.
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
    /// Pieces that were done within the counted time, a second.
    pub(crate) done: f64,
}

/// Does one piece of work: gets its number and gives a time that it measured, if any.
pub(crate) trait Work: Send + 'static {
    fn work(&mut self, n: u64) -> impl Future<Output = Result<Option<Duration>>> + Send;
}

/// Offers work to the workers, as many of which can be under way at once. Numbers begin at `first`; gives the next free one.
pub(crate) async fn offer<W: Work>(offer: Offer, first: u64, workers: Vec<W>) -> Result<(Outcome, u64)> {
    let next = Arc::new(AtomicU64::new(0));
    let begin = Instant::now() + Duration::from_millis(20);
    let (counted_from, end) = (begin + offer.warm, begin + offer.warm + offer.length);
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let next = Arc::clone(&next);
            tokio::spawn(async move {
                let (mut outcome, mut in_time) = (Outcome::default(), 0_u64);
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let due = begin + Duration::from_secs_f64(n as f64 / offer.rate);
                    if due >= end {
                        return (outcome, in_time);
                    }
                    sleep_until(due).await;
                    let done = worker.work(first + n).await;
                    let now = Instant::now();
                    if done.is_ok() && (counted_from..end).contains(&now) {
                        in_time += 1;
                    }
                    match done {
                        Ok(inner) if due >= counted_from => {
                            outcome.times.add(now - due);
                            if let Some(inner) = inner {
                                outcome.inner.add(inner);
                            }
                        }
                        Ok(_) => {}
                        Err(error) => {
                            outcome.errors += 1;
                            outcome.first_error.get_or_insert_with(|| format!("{error:#}"));
                        }
                    }
                }
            })
        })
        .collect();
    let (mut all, mut in_time) = (Outcome::default(), 0);
    for task in tasks {
        let (one, done) = task.await?;
        all.times.join(&one.times);
        all.inner.join(&one.inner);
        all.errors += one.errors;
        all.first_error = all.first_error.or(one.first_error);
        in_time += done;
    }
    all.done = in_time as f64 / offer.length.as_secs_f64();
    Ok((all, first + next.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stalls;

    impl Work for Stalls {
        async fn work(&mut self, n: u64) -> Result<Option<Duration>> {
            if n == 0 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Ok(None)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_charged_for_what_should_have_been_sent_meanwhile() {
        let load = Offer { rate: 100.0, warm: Duration::ZERO, length: Duration::from_secs(1) };
        let (mut outcome, next) = offer(load, 0, vec![Stalls]).await.unwrap();
        assert!(outcome.errors == 0 && next >= 100);
        assert_eq!(outcome.times.count(), 100);
        // Fifty were due during the stall: their mean wait is a quarter of a second, not nothing.
        assert!(outcome.times.percentile(0.5) < 30.0, "{}", outcome.times.percentile(0.5));
        assert!(outcome.times.percentile(0.75) > 200.0, "{}", outcome.times.percentile(0.75));
        assert!(outcome.times.percentile(0.99) > 480.0);
    }
}
