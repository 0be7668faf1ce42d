//! Status callbacks: what becomes of a message, told to the program that sent it, in the order in which it happens.
//!
//! Whom to tell stands sealed in the message's row; a change of its standing, heard on this node, or a look at rows that are due starts
//! a *telling*: the row is leased, what was told last is compared with how the message stands, and each step between is posted, one
//! after the other. So nothing is lost with a process, two nodes never tell the same at once, and `delivered` never comes before
//! `sent`. An address that doesn't answer is tried again after 15 seconds, one, four and sixteen minutes, then no more.
//!
//! The number isn't kept in the row. It is in this process's memory for ten minutes at most, and not after the message's end: a
//! callback after that has an empty `To`.

mod steps;
mod telling;

pub(crate) use telling::Wanted;

use crate::Api;
use messaging::Changed;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{Semaphore, broadcast::error::RecvError};
use types::{E164, MessageId, Millis, TenantId};

/// Requests that are under way at once.
const AT_ONCE: usize = 32;
/// Messages that are being told of or wait for it. What comes beyond is found by the next look.
const WAITING: usize = 10_000;
/// Between two looks for what is due.
const LOOK: Duration = Duration::from_secs(10);
/// Rows of one look.
const PIECE: i64 = 500;
/// So long a number is remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// Challenges stay so long after their time, so that a program that asks late is told how they ended.
const KEEP_CHALLENGES: Duration = Duration::from_secs(86_400);

/// What the request that sent a message brought, and no row keeps.
#[derive(Clone)]
pub(crate) struct Brought {
    pub(crate) to: E164,
    pub(crate) from: String,
}

/// What is being told.
pub(crate) struct Callbacks {
    /// Messages that are being told of, and whether something has happened since.
    running: Mutex<HashMap<MessageId, bool>>,
    brought: Mutex<HashMap<MessageId, (Millis, Brought)>>,
    permits: Semaphore,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Callbacks {
    pub(crate) fn new() -> Self {
        Self {
            running: Mutex::new(HashMap::new()),
            brought: Mutex::new(HashMap::new()),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    /// Remembers a message's number for its callbacks.
    pub(crate) fn remember(&self, id: MessageId, brought: Brought, now: Millis) {
        let mut known = locked(&self.brought);
        if known.len() < WAITING {
            known.insert(id, (now, brought));
        }
    }

    fn brought(&self, id: MessageId) -> Option<Brought> {
        locked(&self.brought).get(&id).map(|(_, brought)| brought.clone())
    }

    pub(crate) fn forget(&self, id: MessageId) {
        locked(&self.brought).remove(&id);
    }

    fn forget_old(&self, now: Millis) {
        locked(&self.brought).retain(|_, (at, _)| now.since(*at) < REMEMBERED);
    }

    /// Whether a telling is to be started; if one is under way, it looks once more.
    fn begin(&self, id: MessageId) -> bool {
        let mut running = locked(&self.running);
        if let Some(again) = running.get_mut(&id) {
            *again = true;
            return false;
        }
        let room = running.len() < WAITING;
        if room {
            running.insert(id, false);
        }
        room
    }

    /// Whether a telling is over: nothing has happened meanwhile.
    fn over(&self, id: MessageId) -> bool {
        let mut running = locked(&self.running);
        match running.get_mut(&id) {
            Some(again) if *again => {
                *again = false;
                false
            }
            _ => {
                running.remove(&id);
                true
            }
        }
    }
}

/// Tells what is to be told of a message, now or as soon as there is room.
pub(crate) fn nudge(api: &Arc<Api>, tenant: TenantId, id: MessageId) {
    if !api.callbacks.begin(id) {
        return;
    }
    let api = Arc::clone(api);
    tokio::spawn(async move {
        loop {
            if let Ok(_permit) = api.callbacks.permits.acquire().await
                && let Err(error) = telling::tell(&api, tenant, id).await
            {
                tracing::warn!(%error, "a status callback");
            }
            if api.callbacks.over(id) {
                return;
            }
        }
    });
}

/// Starts what the door does by itself.
pub(crate) fn start(api: &Arc<Api>) {
    tokio::spawn(hear(Arc::downgrade(api), api.courier().changes()));
    tokio::spawn(look(Arc::downgrade(api)));
}

async fn hear(api: Weak<Api>, mut changes: tokio::sync::broadcast::Receiver<Changed>) {
    loop {
        let heard = changes.recv().await;
        let Some(api) = api.upgrade() else { return };
        match heard {
            Ok(changed) => nudge(&api, changed.tenant, changed.message),
            // What was missed is found by the next look.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn look(api: Weak<Api>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(api) = api.upgrade() else { return };
        let now = api.world().now();
        api.callbacks.forget_old(now);
        if let Err(error) = look_once(&api, now).await {
            tracing::warn!(%error, "what is due of messages and verifications");
        }
    }
}

async fn look_once(api: &Arc<Api>, now: Millis) -> Result<(), store::StoreError> {
    for (tenant, id) in api.store().api_messages_due(now, PIECE).await? {
        nudge(api, tenant, id);
    }
    let most = usize::try_from(PIECE).unwrap_or(usize::MAX);
    while api.store().purge_verifications(now, PIECE).await? == most {}
    while api.store().purge_challenges(now - KEEP_CHALLENGES, PIECE).await? == most {}
    Ok(())
}
