//! What is owed to others until they have it: the one way for everything that stands in an outbox of the store.
//!
//! What is owed is written in the transaction that made it true, on whatever node or command line that was. Each node looks every second,
//! takes what is due by moving it on, so that of two nodes one has each, and tries again later and later until it is taken or given up.
//!
//! Whoever doesn't answer holds up himself and nobody else (`lanes`): no look waits for an answer, two deliveries at most are on their way to one,
//! each for five seconds at the longest, and those who are next are taken in turn, organisation by organisation, receiver by receiver.
//!
//! To add an outbox: implement [`Outbox`], and spawn [`run`].

mod lanes;

use crate::SsoError;
use lanes::{Lane, Lanes};
use std::{
    future::{self, Future},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};
use store::StoreError;
use types::{Millis, TenantId};

/// For how long one is waited for, from the look-up of the name to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often each node looks.
const LOOK: Duration = Duration::from_secs(1);
/// So many of what is owed to one are taken at once.
const TAKEN: usize = 16;
/// For how long what was taken is one node's. All of [`TAKEN`], two at a time, are over in a fifth of it.
const LEASE: Duration = Duration::from_secs(200);
/// So many rows are looked at in one look: far more than there are lanes for.
const LOOKED_AT: i64 = 4096;
/// The first wait after a failure; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Tries at somebody who says that they can't take this one.
const REFUSALS: i64 = 5;
/// Between two rounds of housekeeping, in seconds.
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

    /// To whom of its tenant.
    fn whom(owed: &Self::Owed) -> String;

    /// Whether anything is due: a look that writes nothing.
    fn is_due(&self, now: Millis) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What is due, at most `most` and of what is owed to one at most `each`, those first whose turn it is: of each tenant one after the other,
    /// and in it of each receiver. A look that writes nothing.
    fn due(
        &self,
        now: Millis,
        each: i64,
        most: i64,
    ) -> impl Future<Output = Result<Vec<Self::Owed>, StoreError>> + Send;

    /// Takes these, which are all of one tenant, by putting them off to `until` and counting a try; those that nobody else has taken since
    /// they were looked at.
    fn take(
        &self,
        owed: Vec<Self::Owed>,
        until: Millis,
    ) -> impl Future<Output = Result<Vec<Self::Owed>, StoreError>> + Send;

    /// Brings one; what isn't done within 5 seconds is dropped, and has failed. An error is ours, and is tried again.
    fn bring(&self, owed: &Self::Owed) -> impl Future<Output = Result<Outcome, SsoError>> + Send;

    /// Notes when it is tried again; none: not any more.
    fn note(&self, owed: &Self::Owed, again: Option<Millis>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives these back as they were before they were taken: nobody was asked.
    fn give_back(&self, owed: Vec<Self::Owed>) -> impl Future<Output = Result<(), StoreError>> + Send;

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
    let lanes = Arc::new(Lanes::default());
    let mut seconds = 0_u64;
    let mut tidied = None;
    loop {
        let Some(held) = outbox.upgrade() else { return };
        if let Err(error) = look(&held, &lanes).await {
            tracing::error!(what = O::WHAT, %error, "what is due could not be looked at");
        }
        if seconds.is_multiple_of(TIDY) && tidied != Some(seconds) {
            held.tidy().await;
            tidied = Some(seconds);
        }
        let sooner = async {
            tokio::select! {
                () = held.woken() => {}
                () = lanes.freed() => {}
            }
        };
        if tokio::time::timeout(LOOK, sooner).await.is_err() {
            seconds += 1;
        }
    }
}

/// Takes what is due of those whose turn it is, and begins to bring it.
async fn look<O: Outbox>(outbox: &Arc<O>, lanes: &Arc<Lanes>) -> Result<(), StoreError> {
    let now = outbox.now();
    if !outbox.is_due(now).await? {
        return Ok(());
    }
    let due = outbox.due(now, i64::try_from(TAKEN).unwrap_or(1), LOOKED_AT).await?;
    for (lane, owed) in lanes.choose::<O>(due, now) {
        let taken = outbox.take(owed, now + LEASE).await?;
        if !taken.is_empty() {
            tokio::spawn(carry(Arc::clone(outbox), lane, taken));
        }
    }
    Ok(())
}

/// Brings all that was taken of one receiver's, two at a time, until he doesn't answer: then there is no use in asking about the rest.
async fn carry<O: Outbox>(outbox: Arc<O>, lane: Lane, taken: Vec<O::Owed>) {
    let full = taken.len() >= TAKEN;
    let rest = Rest::<O> { left: Mutex::new(taken.into_iter()), silent: OnceLock::new() };
    tokio::join!(rest.walk(&outbox), rest.walk(&outbox));
    let left: Vec<_> = rest.left.into_inner().unwrap_or_else(PoisonError::into_inner).collect();
    if !left.is_empty()
        && let Err(error) = outbox.give_back(left).await
    {
        // It comes up again by itself when its lease is over.
        tracing::error!(what = O::WHAT, %error, "what was not tried could not be given back");
    }
    lane.end(rest.silent.into_inner(), full);
}

/// What is left of a lane's load.
struct Rest<O: Outbox> {
    left: Mutex<std::vec::IntoIter<O::Owed>>,
    /// When the receiver didn't answer.
    silent: OnceLock<Millis>,
}

impl<O: Outbox> Rest<O> {
    async fn walk(&self, outbox: &O) {
        while let Some(owed) = self.next() {
            if let Some(when) = bring(outbox, &owed).await {
                // Of two at once the first one counts.
                let _ = self.silent.set(when);
            }
        }
    }

    fn next(&self) -> Option<O::Owed> {
        if self.silent.get().is_some() {
            return None;
        }
        self.left.lock().unwrap_or_else(PoisonError::into_inner).next()
    }
}

/// Brings one; when its receiver didn't answer, if so.
async fn bring<O: Outbox>(outbox: &O, owed: &O::Owed) -> Option<Millis> {
    let so_far = O::so_far(owed);
    let tenant = so_far.tenant;
    let (outcome, answers) = match tokio::time::timeout(DEADLINE, outbox.bring(owed)).await {
        Ok(Ok(outcome)) => (outcome, outcome != Outcome::Failed),
        Ok(Err(error)) => {
            tracing::error!(what = O::WHAT, %tenant, %error, "what is owed could not be made");
            (Outcome::Failed, true)
        }
        Err(_) => {
            tracing::warn!(what = O::WHAT, %tenant, whom = O::whom(owed), "no answer in time");
            (Outcome::Failed, false)
        }
    };
    O::count(outcome);
    let now = outbox.now();
    let again = next(so_far, outcome, O::GIVEN_UP, now);
    if let Err(error) = outbox.note(owed, again).await {
        tracing::error!(what = O::WHAT, %tenant, %error, "what became of a delivery could not be noted");
    }
    (!answers).then_some(now)
}

/// When it is tried again; none: not any more.
fn next(so_far: SoFar, outcome: Outcome, given_up: Duration, now: Millis) -> Option<Millis> {
    match outcome {
        Outcome::Done => None,
        Outcome::Refused if so_far.tries >= REFUSALS => None,
        _ if now.since(so_far.created) >= given_up => None,
        _ => Some(now + wait(so_far.tries).min(LONGEST_WAIT)),
    }
}

/// How long is waited after so many tries, each time twice as long.
fn wait(tries: i64) -> Duration {
    let doubled = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    FIRST_WAIT.saturating_mul(1 << doubled)
}

#[cfg(test)]
mod tests;
