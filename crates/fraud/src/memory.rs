//! What the guard remembers, by keyed hashes.

use crate::{Rule, window::Window};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};
use types::{Millis, TenantId};

/// A keyed hash of what a window is of.
pub(crate) type Mark = u64;

/// The most things that are remembered of each sort: some 200 MB if all of them were busy.
pub(crate) const ROOM: usize = 200_000;

/// Messages whose codes may still be entered are remembered for so long.
const OPEN_FOR: Duration = Duration::from_secs(3_600);
/// Unanswered numbers of a block count for so long.
pub(crate) const ADJACENT_FOR: Duration = Duration::from_secs(600);
/// A pause after a message that nobody answered is forgotten after so long without another.
const PACE_FOR: Duration = Duration::from_secs(3_600);
/// The first block of a beginning or a country; each further one within a day is twice as long, up to the last.
const BLOCK: Duration = Duration::from_secs(15 * 60);
const LONGEST_BLOCK: Duration = Duration::from_secs(12 * 3_600);
const STRIKES_FOR: Duration = Duration::from_secs(24 * 3_600);

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) windows: HashMap<Mark, Window>,
    pub(crate) addresses: HashMap<Mark, Address>,
    pub(crate) blocks: HashMap<Mark, Block>,
    pub(crate) paces: HashMap<Mark, Pace>,
    /// Of a block of 10,000 numbers: which got a message that nobody answered, and when.
    pub(crate) adjacent: HashMap<Mark, VecDeque<(Millis, Mark)>>,
    /// By message.
    pub(crate) open: HashMap<Mark, Open>,
    /// A user's newest message.
    pub(crate) of_user: HashMap<Mark, Mark>,
    swept: Option<Millis>,
}

/// A message whose code may still be entered.
pub(crate) struct Open {
    pub(crate) at: Millis,
    pub(crate) number: Mark,
    pub(crate) windows: Vec<Mark>,
    pub(crate) adjacent: Mark,
    pub(crate) address: Option<Mark>,
    pub(crate) country: &'static str,
}

#[derive(Default)]
pub(crate) struct Address {
    pub(crate) window: Window,
    /// When a message was last asked for to a country, and when a code from there was last entered.
    pub(crate) countries: BTreeMap<&'static str, (Millis, Option<Millis>)>,
}

/// Messages in a row that nobody answered.
pub(crate) struct Pace {
    pub(crate) unanswered: u32,
    pub(crate) last: Millis,
}

pub(crate) struct Block {
    pub(crate) tenant: TenantId,
    pub(crate) rule: Rule,
    pub(crate) country: &'static str,
    pub(crate) until: Millis,
    began: Millis,
    pub(crate) strikes: u32,
}

impl Memory {
    /// Begins a block, or the next one; says when it ends.
    pub(crate) fn block(
        &mut self,
        mark: Mark,
        tenant: TenantId,
        rule: Rule,
        country: &'static str,
        now: Millis,
    ) -> Millis {
        let before = self.blocks.get(&mark).filter(|block| now.since(block.began) < STRIKES_FOR);
        let strikes = before.map_or(0, |block| block.strikes).saturating_add(1);
        let length = BLOCK.saturating_mul(1_u32.checked_shl(strikes - 1).unwrap_or(u32::MAX)).min(LONGEST_BLOCK);
        let until = now + length;
        self.blocks.insert(mark, Block { tenant, rule, country, until, began: now, strikes });
        until
    }

    /// Forgets what has nothing to say any more; once in ten minutes, or where there is no room.
    pub(crate) fn sweep(&mut self, now: Millis) {
        let full = [self.windows.len(), self.addresses.len(), self.paces.len(), self.adjacent.len(), self.open.len()]
            .into_iter()
            .any(|length| length >= ROOM);
        let due = self.swept.is_none_or(|swept| now.since(swept) >= ADJACENT_FOR);
        // Full of what still counts: not again for every message.
        let lately = self.swept.is_some_and(|swept| now.since(swept) < Duration::from_secs(10));
        if !due && (!full || lately) {
            return;
        }
        self.swept = Some(now);
        self.windows.retain(|_, window| !window.is_over(now));
        self.addresses.retain(|_, address| address.window.day(now).sent > 0);
        self.paces.retain(|_, pace| !pace.is_over(now));
        self.adjacent.retain(|_, numbers| numbers.back().is_some_and(|(at, _)| now.since(*at) < ADJACENT_FOR));
        self.open.retain(|_, open| now.since(open.at) < OPEN_FOR);
        let open = &self.open;
        self.of_user.retain(|_, message| open.contains_key(message));
        self.blocks.retain(|_, block| now < block.until || now.since(block.began) < STRIKES_FOR);
    }

    pub(crate) fn is_full(&self) -> bool {
        [self.windows.len(), self.addresses.len(), self.paces.len(), self.adjacent.len(), self.open.len()]
            .into_iter()
            .any(|length| length >= ROOM)
    }
}

impl Pace {
    /// The pause after so many messages in a row that nobody answered.
    pub(crate) const fn pause(unanswered: u32) -> Duration {
        Duration::from_secs(match unanswered {
            0 => 0,
            1 => 30,
            2 => 60,
            3 => 120,
            _ => 300,
        })
    }

    pub(crate) fn is_over(&self, now: Millis) -> bool {
        now.since(self.last) >= PACE_FOR
    }
}
