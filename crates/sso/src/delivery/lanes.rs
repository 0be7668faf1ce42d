//! Who is told something now: so many at once, of one organisation so many of these, and who hasn't answered not for a while.
//!
//! It is this node's and in memory. Whom it leaves out stays due, and costs a look.

use super::{Outbox, wait};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use types::{Millis, TenantId};

/// To so many something is on its way at once, by two deliveries each.
const LANES: usize = 64;
/// To so many of one organisation: what it owes can't fill the lanes of others.
const LANES_OF_ONE: usize = 16;
/// Who hasn't answered is asked again at the latest after so long, whatever else is owed.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// So many who don't answer are remembered before those are forgotten who weren't asked for long.
const SILENT: usize = 1_000;

/// The lanes of one node.
#[derive(Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    busy: HashMap<TenantId, HashSet<String>>,
    silent: HashMap<(TenantId, String), Silent>,
    /// Whether somebody was left out for whom there may be a lane as soon as one ends.
    waits: bool,
}

/// Somebody who didn't answer.
struct Silent {
    times: i64,
    until: Millis,
}

/// One receiver to whom something is on its way. While it lives there is no other for him.
pub(super) struct Lane {
    lanes: Arc<Lanes>,
    tenant: TenantId,
    whom: String,
}

impl Lanes {
    /// Of what is due, in the order of whose turn it is: what can be brought now, with the lanes for it.
    pub(super) fn choose<O: Outbox>(self: &Arc<Self>, due: Vec<O::Owed>, now: Millis) -> Vec<(Lane, Vec<O::Owed>)> {
        let mut chosen: Vec<(Lane, Vec<O::Owed>)> = Vec::new();
        let mut places: HashMap<(TenantId, String), Option<usize>> = HashMap::new();
        for owed in due {
            let (tenant, whom) = (O::so_far(&owed).tenant, O::whom(&owed));
            let place = *places.entry((tenant, whom)).or_insert_with_key(|(tenant, whom)| {
                let lane = self.open(*tenant, whom, now)?;
                chosen.push((lane, Vec::new()));
                Some(chosen.len() - 1)
            });
            if let Some((_, load)) = place.and_then(|place| chosen.get_mut(place)) {
                load.push(owed);
            }
        }
        chosen
    }

    fn open(self: &Arc<Self>, tenant: TenantId, whom: &str, now: Millis) -> Option<Lane> {
        let mut state = self.state();
        if state.silent.get(&(tenant, whom.to_owned())).is_some_and(|silent| now < silent.until) {
            return None;
        }
        let all: usize = state.busy.values().map(HashSet::len).sum();
        let own = state.busy.get(&tenant);
        let full = all >= LANES || own.is_some_and(|own| own.len() >= LANES_OF_ONE || own.contains(whom));
        if full {
            state.waits = true;
            return None;
        }
        state.busy.entry(tenant).or_default().insert(whom.to_owned());
        Some(Lane { lanes: Arc::clone(self), tenant, whom: whom.to_owned() })
    }

    /// Ends when there is a lane for somebody who was left out.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// The end of what was on its way: when its receiver didn't answer, if so, and whether there may be more for him.
    pub(super) fn end(self, silent: Option<Millis>, more: bool) {
        let lanes = Arc::clone(&self.lanes);
        let whom = (self.tenant, self.whom.clone());
        drop(self);
        let mut state = lanes.state();
        let answers = silent.is_none();
        if let Some(now) = silent {
            if state.silent.len() >= SILENT {
                state.silent.retain(|_, silent| now.since(silent.until) < LONGEST_SILENCE);
            }
            let silent = state.silent.entry(whom).or_insert(Silent { times: 0, until: now });
            silent.times = silent.times.saturating_add(1);
            silent.until = now + wait(silent.times).min(LONGEST_SILENCE);
        } else {
            state.silent.remove(&whom);
        }
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        if waits || (answers && more) {
            lanes.freed.notify_one();
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.lanes.state();
        if let Some(own) = state.busy.get_mut(&self.tenant) {
            own.remove(&self.whom);
            if own.is_empty() {
                state.busy.remove(&self.tenant);
            }
        }
    }
}
