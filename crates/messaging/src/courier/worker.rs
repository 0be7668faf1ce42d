//! What goes on beside requests: the queue is emptied, receipts are heard, the dead are inherited from, keys are destroyed.

use super::{Desk, Report, Reported, carry::Trip, fleet::Candidate};
use crate::{
    ErrorClass, SendError,
    admission::{canaries, opt_out, words::Word},
    links::Heard,
};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};
use store::{CUT_NOTICE, StoreError, engine::GAP};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc},
    time::{Instant, MissedTickBehavior},
};

/// So many messages of the queue are under way at once.
const UNDER_WAY: usize = 256;
/// So long, and then so long again, a receipt waits for the row that says which message it is for; and so many at once.
const WAITS: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
const EARLY: usize = 10_000;
/// So many texts of people are heeded at the same time: to find out whom somebody means may take a look at every organisation.
const WRITTEN: usize = 4;
/// So many are handed to carriers in one transaction.
const TOGETHER: usize = 128;
/// How often it is looked what is due, and whether a process has died.
const TICK: Duration = Duration::from_millis(500);
/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_secs(10);
/// How often rows are looked for that nobody holds.
const SEARCH: Duration = Duration::from_secs(60);
/// A message that nobody can take now is looked at again after this time.
const AGAIN: Duration = Duration::from_millis(500);
/// So many rows that nobody holds are ended in one go.
const LEFT: i64 = 500;

/// Starts all of it. It ends with the desk. An idle desk takes messages and hears receipts, but sends nothing: another process does.
pub(super) fn start(
    desk: &Arc<Desk>,
    heard: mpsc::Receiver<Heard>,
    ready: mpsc::UnboundedReceiver<Trip>,
    is_idle: bool,
) {
    tokio::spawn(hear(Arc::downgrade(desk), heard));
    if is_idle {
        return;
    }
    tokio::spawn(dispatch(Arc::downgrade(desk), ready));
    tokio::spawn(keep(Arc::downgrade(desk), desk.store.engine().notices()));
}

/// Works on what channels hear.
async fn hear(desk: Weak<Desk>, mut hearing: mpsc::Receiver<Heard>) {
    let gate = Arc::new(Semaphore::new(UNDER_WAY));
    let early = Arc::new(Semaphore::new(EARLY));
    let written = Arc::new(Semaphore::new(WRITTEN));
    while let Some(heard) = hearing.recv().await {
        let Some(desk) = desk.upgrade() else { return };
        match heard {
            Heard::Report(carrier, report) => {
                let Ok(place) = Arc::clone(&gate).acquire_owned().await else { return };
                // Beside each other, so that the store commits them together.
                let (desk, early) = (Arc::downgrade(&desk), Arc::clone(&early));
                tokio::spawn(take_receipt(desk, carrier, report, place, early));
            }
            Heard::Inbound(carrier, inbound) => {
                // Beside the rest: to find out whom somebody means may take a while.
                let (store, written) = (Arc::clone(&desk.store), Arc::clone(&written));
                let now = desk.now();
                tokio::spawn(async move {
                    let Ok(_turn) = written.acquire_owned().await else { return };
                    if let Err(error) = canaries::heed(&store, &inbound, now).await {
                        tracing::error!(%error, "it can't be looked up whether a text was for a number that is nobody's");
                    }
                    let word = match opt_out::heed(&store, &inbound.from, &inbound.text, now).await {
                        Ok(word) => word.map_or("other", Word::as_str),
                        Err(error) => {
                            tracing::error!(%error, "what a person wrote could not be heeded");
                            "failed"
                        }
                    };
                    metrics::counter!("countersign_messages_inbound_total", "carrier" => carrier, "word" => word)
                        .increment(1);
                });
            }
        }
    }
}

/// Takes a receipt. One that names a message that isn't known waits a little: a carrier can be faster than the row that says what id
/// it gave.
async fn take_receipt(
    desk: Weak<Desk>,
    carrier: String,
    report: Report,
    place: OwnedSemaphorePermit,
    early: Arc<Semaphore>,
) {
    let mut place = Some(place);
    let mut waiting = None;
    for pause in WAITS {
        let Some(desk) = desk.upgrade() else { return };
        match desk.report(&carrier, &report).await {
            Ok(Reported::Unknown) => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "a receipt was not written to the log");
                return;
            }
        }
        drop(desk);
        place.take();
        if waiting.is_none() {
            // Receipts for nothing that a carrier sends by the thousand are not waited with.
            let Ok(permit) = Arc::clone(&early).try_acquire_owned() else { return };
            waiting = Some(permit);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Empties the queue.
async fn dispatch(desk: Weak<Desk>, mut ready: mpsc::UnboundedReceiver<Trip>) {
    let gate = Arc::new(Semaphore::new(UNDER_WAY));
    loop {
        let Ok(place) = Arc::clone(&gate).acquire_owned().await else { return };
        let Some(first) = ready.recv().await else { return };
        let Some(desk) = desk.upgrade() else { return };
        let mut batch = vec![(first, place)];
        while batch.len() < TOGETHER {
            let Ok(place) = Arc::clone(&gate).try_acquire_owned() else { break };
            let Ok(next) = ready.try_recv() else { break };
            batch.push((next, place));
        }
        desk.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        desk.hand_out(batch).await;
    }
}

impl Desk {
    /// Hands messages to carriers: chosen, written down together, then sent beside each other.
    async fn hand_out(self: &Arc<Self>, batch: Vec<(Trip, OwnedSemaphorePermit)>) {
        if let Err(error) = self.know_cuts().await {
            tracing::warn!(%error, "queued messages wait: it can't be read which carriers are cut off");
            for (trip, _) in batch {
                self.later().put(self.now() + AGAIN, trip);
            }
            return;
        }
        let mut chosen: Vec<(Trip, Candidate, OwnedSemaphorePermit)> = Vec::with_capacity(batch.len());
        for (trip, place) in batch {
            if self.now() >= trip.until {
                let _ = self.finish(&trip, SendError::Expired).await;
                continue;
            }
            match self.choose(&trip) {
                Ok(Some(candidate)) => chosen.push((trip, candidate, place)),
                Ok(None) => self.later().put(self.now() + AGAIN, trip),
                Err(error) => {
                    let _ = self.finish(&trip, error).await;
                }
            }
        }
        let names: Vec<_> = chosen
            .iter()
            .map(|(trip, to, _)| (trip.message.tenant, trip.row.id, to.channel.name().to_owned()))
            .collect();
        let ours: HashSet<_> = match self.store.hand_messages(self.shelf.holder(), &names).await {
            Ok(ours) => ours.into_iter().collect(),
            Err(error) => {
                tracing::warn!(%error, "queued messages wait: the store can't note that they go");
                for (trip, _, _) in chosen {
                    self.later().put(self.now() + AGAIN, trip);
                }
                return;
            }
        };
        for (mut trip, candidate, place) in chosen {
            // One that isn't ours any more was taken back, or is another's.
            if !ours.contains(&(trip.message.tenant, trip.row.id)) {
                continue;
            }
            candidate.channel.name().clone_into(&mut trip.row.supplier);
            "queued".clone_into(&mut trip.row.state);
            let desk = Arc::clone(self);
            tokio::spawn(async move {
                let kind = trip.kind;
                let done = desk.carry(trip, candidate, None).await;
                super::count_outcome(kind, &done);
                drop(place);
            });
        }
    }

    /// The carrier for a message of the queue: `None` where it has to wait for one.
    fn choose(&self, trip: &Trip) -> Result<Option<Candidate>, SendError> {
        let ways = self.ways(&trip.message, trip.kind, &trip.seen)?;
        let fits = |candidate: &Candidate| {
            self.is_open(candidate) && trip.only.as_deref().is_none_or(|only| only == candidate.channel.name())
        };
        Ok(ways.candidates.into_iter().find(fits))
    }
}

/// Looks after the rest, until the desk is gone.
async fn keep(desk: Weak<Desk>, mut notices: broadcast::Receiver<String>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut swept, mut searched) = (Instant::now(), Instant::now());
    let mut stale = true;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            notice = notices.recv() => {
                match notice {
                    Ok(notice) if notice == CUT_NOTICE || notice == GAP => stale = true,
                    Ok(notice) => {
                        let Some(desk) = desk.upgrade() else { return };
                        desk.hear_notice(&notice);
                        continue;
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => stale = true,
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        }
        let Some(desk) = desk.upgrade() else { return };
        if stale {
            match desk.read_cuts().await {
                Ok(()) => stale = false,
                Err(error) => tracing::warn!(%error, "it can't be read which carriers are cut off"),
            }
        }
        let due = desk.later().due(desk.now());
        for trip in due {
            desk.make_ready(trip);
        }
        if let Err(error) = inherit(&desk).await {
            tracing::warn!(%error, "the messages of a process that has ended can't be taken over");
        }
        if let Err(error) = desk.inherit_deletions().await {
            tracing::warn!(%error, "what suppliers are to forget can't be taken over from a process that has ended");
        }
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            desk.sweep();
            let (shelves, now) = ([Arc::clone(&desk.shelf), Arc::clone(&desk.deletion_keys)], desk.now());
            let _ = tokio::task::spawn_blocking(move || shelves.iter().for_each(|shelf| shelf.shred(now))).await;
            let waiting = desk.waiting.load(Ordering::Relaxed) + desk.later().len();
            metrics::gauge!("countersign_messages_waiting").set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
        }
        if searched.elapsed() >= SEARCH {
            searched = Instant::now();
            // Another process beside this one may have changed something without a notice.
            stale = true;
            if let Err(error) = desk.end_left().await {
                tracing::warn!(%error, "messages that nobody holds can't be ended");
            }
            if let Err(error) = desk.purge_deletions().await {
                tracing::warn!(%error, "old notes of what suppliers are to forget can't be removed");
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Uninherited {
    #[error(transparent)]
    Files(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes over what dead processes have left.
pub(super) async fn inherit(desk: &Arc<Desk>) -> Result<(), Uninherited> {
    let shelf = Arc::clone(&desk.shelf);
    let blocking = tokio::task::spawn_blocking(move || {
        let dead = shelf.dead()?;
        for one in &dead {
            shelf.inherit(one)?;
        }
        io::Result::Ok(dead)
    });
    for dead in blocking.await.map_err(io::Error::other)?? {
        let rows = desk.store.take_over_messages(&dead.name, desk.shelf.holder()).await?;
        if !rows.is_empty() {
            tracing::info!(count = rows.len(), "messages of a process that has ended are taken over");
        }
        for row in rows {
            match desk.reopened(&row).await? {
                Some(trip) => match trip.message.terms.not_before.filter(|at| *at > desk.now()) {
                    Some(due) => desk.later().put(due, trip),
                    None => desk.make_ready(trip),
                },
                None => desk.end(row.tenant, row.id, "failed", ErrorClass::Lost.as_str()).await?,
            }
        }
        let shelf = Arc::clone(&desk.shelf);
        tokio::task::spawn_blocking(move || shelf.bury(dead)).await.map_err(io::Error::other)??;
    }
    Ok(())
}

impl Desk {
    /// Ends the rows whose time has been over for ten minutes: their holder died with its keys, or could not write their end.
    pub(super) async fn end_left(&self) -> Result<(), StoreError> {
        let left = self.store.left_messages(store::ten_minutes(self.now()), LEFT).await?;
        for row in left {
            self.end(row.tenant, row.id, "failed", ErrorClass::Lost.as_str()).await?;
        }
        Ok(())
    }
}
