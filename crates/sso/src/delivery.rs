//! What is owed to others until they have it: the one way for everything that stands in an outbox of the store.
//!
//! What is owed is written in the transaction that made it true, on whatever node or command line that was. Each node looks every second,
//! takes what is due by moving it on, so that of two nodes one has each, and tries again later and later until it is taken or given up.
//!
//! To add an outbox: implement [`Outbox`], and spawn [`run`].

use crate::SsoError;
use std::{
    future::{self, Future},
    sync::{Arc, Weak},
    time::Duration,
};
use store::StoreError;
use tokio::sync::Semaphore;
use types::{Millis, TenantId};

/// How often each node looks.
const LOOK: Duration = Duration::from_secs(1);
/// For how long what was taken is one node's.
const LEASE: Duration = Duration::from_secs(60);
/// So many are brought at once on one node. Whoever keeps silent takes one of these places and nothing else: the next look doesn't wait.
const AT_ONCE: usize = 128;
/// The first wait after a failure; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Tries at somebody who says that they can't take this one.
const REFUSALS: i64 = 5;
/// Between two rounds of housekeeping, in looks.
const TIDY: u64 = 600;

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They have it, or there is nobody to tell.
    Done,
    /// They say that they can't take this one.
    Refused,
    /// They weren't reached, or failed.
    Failed,
}

impl Outcome {
    /// The word for metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "delivered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug)]
pub struct SoFar {
    /// Whose.
    pub tenant: TenantId,
    /// Since when it is owed.
    pub created: Millis,
    /// How often it was tried, with the try that is under way.
    pub tries: i64,
}

/// An outbox, and how what stands in it is brought.
pub trait Outbox: Send + Sync + 'static {
    /// One thing that is owed to one.
    type Owed: Send + Sync + 'static;
    /// What it is, for logs.
    const WHAT: &'static str;
    /// When what nobody takes is given up.
    const GIVEN_UP: Duration;

    /// What time it is.
    fn now(&self) -> Millis;

    /// How far one is.
    fn so_far(owed: &Self::Owed) -> SoFar;

    /// Whether anything is due: a look that writes nothing.
    fn is_due(&self, now: Millis) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Takes at most `most` of what is due, and puts it off to `until`.
    fn take(
        &self,
        now: Millis,
        until: Millis,
        most: i64,
    ) -> impl Future<Output = Result<Vec<Self::Owed>, StoreError>> + Send;

    /// Brings one. An error is ours, and is tried again.
    fn bring(&self, owed: &Self::Owed) -> impl Future<Output = Result<Outcome, SsoError>> + Send;

    /// Notes when it is tried again; none: not any more.
    fn note(&self, owed: &Self::Owed, again: Option<Millis>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts what became of a try.
    fn count(_outcome: Outcome) {}

    /// Ends when something new is owed here, so that it needn't wait for the next look.
    fn woken(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// Housekeeping, now and then.
    fn tidy(&self) -> impl Future<Output = ()> + Send {
        future::ready(())
    }
}

/// Brings what is due, until the outbox is dropped.
pub async fn run<O: Outbox>(outbox: Weak<O>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut looks = 0_u64;
    loop {
        let Some(held) = outbox.upgrade() else { return };
        match look(&held, &places).await {
            Ok(false) => {}
            // There may be more, as soon as there is a place for it.
            Ok(true) => {
                drop(places.acquire().await);
                continue;
            }
            Err(error) => tracing::error!(what = O::WHAT, %error, "what is due could not be looked at"),
        }
        if looks.is_multiple_of(TIDY) {
            held.tidy().await;
        }
        looks += 1;
        let _ = tokio::time::timeout(LOOK, held.woken()).await;
    }
}

/// Takes of what is due as much as there are places for, and begins to bring it; whether that filled them.
async fn look<O: Outbox>(outbox: &Arc<O>, places: &Arc<Semaphore>) -> Result<bool, StoreError> {
    let now = outbox.now();
    if !outbox.is_due(now).await? {
        return Ok(false);
    }
    let free = places.available_permits();
    let taken = outbox.take(now, now + LEASE, i64::try_from(free).unwrap_or(i64::MAX)).await?;
    let full = taken.len() >= free;
    for owed in taken {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { break };
        let outbox = Arc::clone(outbox);
        tokio::spawn(async move {
            bring(outbox, owed).await;
            drop(place);
        });
    }
    Ok(full)
}

async fn bring<O: Outbox>(outbox: Arc<O>, owed: O::Owed) {
    let so_far = O::so_far(&owed);
    let tenant = so_far.tenant;
    let outcome = match outbox.bring(&owed).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(what = O::WHAT, %tenant, %error, "what is owed could not be made");
            Outcome::Failed
        }
    };
    O::count(outcome);
    let again = next(so_far, outcome, O::GIVEN_UP, outbox.now());
    if let Err(error) = outbox.note(&owed, again).await {
        tracing::error!(what = O::WHAT, %tenant, %error, "what became of a delivery could not be noted");
    }
}

/// When it is tried again; none: not any more.
fn next(so_far: SoFar, outcome: Outcome, given_up: Duration, now: Millis) -> Option<Millis> {
    match outcome {
        Outcome::Done => None,
        Outcome::Refused if so_far.tries >= REFUSALS => None,
        _ if now.since(so_far.created) >= given_up => None,
        _ => {
            let doubled = u32::try_from(so_far.tries.saturating_sub(1)).unwrap_or(0).min(16);
            Some(now + FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT))
        }
    }
}

#[cfg(test)]
mod tests;
