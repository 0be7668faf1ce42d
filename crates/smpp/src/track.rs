//! Which message a receipt is for.
//!
//! A receipt may come before the answer that gives the message its id, twice, in another notation, and once for each part of a long
//! text. What goes up is one word for each message: delivered when all its parts are, failed as soon as one is. Nothing here holds a
//! number: of each only a keyed hash is kept, whose key dies with the process.

use crate::receipt::{ReceiptIds, Said, State, canonical};
use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};
use tokio::time::Instant;

/// How many parts are remembered; the oldest is forgotten first. A receipt for a forgotten one goes up by its id alone.
const MAX_KNOWN: usize = 65_536;
/// How many receipts may wait for the answer that gives their message its id.
const MAX_HELD: usize = 4_096;
/// How long they wait. Answers come within the response timer, mostly within a second.
const HOLD: Duration = Duration::from_secs(10);
/// Receipts write numbers with and without country code, `+` and `00`; the last digits are the same.
const TAIL: usize = 6;

/// A receipt, without number and text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The message's id as [`crate::Submitted::id`] gave it. Of a message that isn't remembered (it was taken before this process
    /// began): what the id most likely was.
    pub id: String,
    /// How far the message came.
    pub state: State,
    /// The network's error: at most 8 letters and digits.
    pub error: Option<String>,
}

/// Remembers which ids belong to which message.
pub(crate) struct Tracker {
    ids: ReceiptIds,
    hash: RandomState,
    known: HashMap<String, Known>,
    order: VecDeque<String>,
    held: VecDeque<Held>,
    max_known: usize,
}

/// A part that the SMSC has taken.
struct Known {
    /// The id of its message: that of the first part.
    message: String,
    number: u64,
    ended: bool,
    /// Of the message, in the entry of its first part: how many parts haven't ended, and whether one has failed.
    open: usize,
    failed: bool,
}

struct Held {
    until: Instant,
    number: u64,
    forms: Vec<String>,
    said: Said,
}

impl Tracker {
    pub(crate) fn new(ids: ReceiptIds) -> Self {
        Self {
            ids,
            hash: RandomState::new(),
            known: HashMap::new(),
            order: VecDeque::new(),
            held: VecDeque::new(),
            max_known: MAX_KNOWN,
        }
    }

    /// A message was taken, as these parts, and gave them these ids. What had come for it already is told to `tell`.
    pub(crate) fn taken(&mut self, ids: &[String], number: &[u8], tell: &mut dyn FnMut(Receipt) -> bool) {
        let number = self.number(number);
        let Some(message) = ids.first().map(|id| canonical(id)) else { return };
        for id in ids.iter().map(|id| canonical(id)).filter(|id| !id.is_empty()) {
            let known = Known { message: message.clone(), number, ended: false, open: ids.len(), failed: false };
            if self.known.insert(id.clone(), known).is_none() {
                self.order.push_back(id);
            }
        }
        while self.order.len() > self.max_known {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        for held in std::mem::take(&mut self.held) {
            let told = self.find(&held.forms, held.number).is_some_and(|id| self.tell(&id, &held.said, tell));
            if !told {
                self.held.push_back(held);
            }
        }
    }

    /// A receipt came, from this number. It is told to `tell` now, or later, or never if it says nothing new. `false` where `tell`
    /// couldn't keep it: it must come again.
    pub(crate) fn receipt(
        &mut self,
        said: Said,
        number: &[u8],
        now: Instant,
        tell: &mut dyn FnMut(Receipt) -> bool,
    ) -> bool {
        let forms = self.ids.forms(&said.id);
        let held = Held { until: now + HOLD, number: self.number(number), forms, said };
        if let Some(id) = self.find(&held.forms, held.number) {
            return self.tell(&id, &held.said, tell);
        }
        if self.held.len() == MAX_HELD {
            match self.held.pop_front() {
                Some(oldest) if !tell(oldest.unknown()) => {
                    self.held.push_front(oldest);
                    return false;
                }
                _ => {}
            }
        }
        self.held.push_back(held);
        true
    }

    /// Tells what has waited long enough: it is for a message of an earlier process, or for none.
    pub(crate) fn sweep(&mut self, now: Instant, tell: &mut dyn FnMut(Receipt) -> bool) {
        while let Some(first) = self.held.front()
            && first.until <= now
            && tell(first.unknown())
        {
            self.held.pop_front();
        }
    }

    /// The id that is meant: one that was sent to this number, or else the one that is written in the same way.
    fn find(&self, forms: &[String], number: u64) -> Option<String> {
        let sent_there = |id: &&String| self.known.get(*id).is_some_and(|known| known.number == number);
        forms.iter().find(sent_there).or_else(|| forms.first().filter(|id| self.known.contains_key(*id))).cloned()
    }

    /// `false` where `tell` couldn't keep it; nothing has changed then.
    fn tell(&mut self, id: &str, said: &Said, tell: &mut dyn FnMut(Receipt) -> bool) -> bool {
        let Some(part) = self.known.get(id).filter(|part| !part.ended) else { return true };
        let message = part.message.clone();
        let mut told = || tell(Receipt { id: message.clone(), state: said.state, error: said.error.clone() });
        if !said.state.is_final() {
            return told();
        }
        // Where the first part is forgotten, nobody can say how many are missing.
        let (open, failed) = self.known.get(&message).map_or((1, false), |first| (first.open, first.failed));
        let delivered = said.state == State::Delivered;
        if !failed && (!delivered || open <= 1) && !told() {
            return false;
        }
        if let Some(first) = self.known.get_mut(&message) {
            first.open = open.saturating_sub(1);
            first.failed |= !delivered;
        }
        if let Some(part) = self.known.get_mut(id) {
            part.ended = true;
        }
        true
    }

    fn number(&self, number: &[u8]) -> u64 {
        let digits = || number.iter().rev().filter(|octet| octet.is_ascii_digit()).take(TAIL);
        self.hash.hash_one(digits().collect::<Vec<_>>())
    }
}

impl Held {
    fn unknown(&self) -> Receipt {
        let id = self.forms.first().cloned().unwrap_or_default();
        Receipt { id, state: self.said.state, error: self.said.error.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &[u8] = b"491701234567";

    struct Bench {
        tracker: Tracker,
        now: Instant,
        told: Vec<(String, State)>,
        deaf: bool,
    }

    impl Bench {
        fn new(ids: ReceiptIds) -> Self {
            Self { tracker: Tracker::new(ids), now: Instant::now(), told: Vec::new(), deaf: false }
        }

        fn act<T>(&mut self, act: impl FnOnce(&mut Tracker, Instant, &mut dyn FnMut(Receipt) -> bool) -> T) -> T {
            let (told, deaf) = (&mut self.told, self.deaf);
            act(&mut self.tracker, self.now, &mut |receipt| {
                if !deaf {
                    told.push((receipt.id, receipt.state));
                }
                !deaf
            })
        }

        fn taken(&mut self, ids: &[&str], number: &[u8]) {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            self.act(|tracker, _, tell| tracker.taken(&ids, number, tell));
        }

        fn came(&mut self, id: &str, state: State, number: &[u8]) -> bool {
            let said = Said { id: id.to_owned(), state, error: None };
            self.act(|tracker, now, tell| tracker.receipt(said, number, now, tell))
        }

        fn later(&mut self, by: Duration) {
            self.now += by;
            self.act(|tracker, now, tell| tracker.sweep(now, tell));
        }

        fn told(&mut self) -> Vec<(String, State)> {
            std::mem::take(&mut self.told)
        }
    }

    fn one(id: &str, state: State) -> Vec<(String, State)> {
        vec![(id.to_owned(), state)]
    }

    #[test]
    fn early_late_twice_and_out_of_order() {
        let mut bench = Bench::new(ReceiptIds::Auto);
        bench.came("7A", State::Delivered, NUMBER);
        assert_eq!(bench.told(), []);
        bench.taken(&["7A"], NUMBER);
        assert_eq!(bench.told(), one("7a", State::Delivered));
        bench.came("7A", State::Delivered, NUMBER);
        bench.came("7A", State::EnRoute, NUMBER);
        bench.came("7A", State::Undeliverable, NUMBER);
        bench.later(HOLD);
        assert_eq!(bench.told(), []);
        bench.taken(&["7b"], NUMBER);
        bench.came("7b", State::EnRoute, NUMBER);
        bench.came("7b", State::Expired, NUMBER);
        assert_eq!(bench.told(), [one("7b", State::EnRoute), one("7b", State::Expired)].concat());
    }

    #[test]
    fn one_word_for_a_long_text() {
        let mut bench = Bench::new(ReceiptIds::AsIs);
        bench.taken(&["1", "2", "3"], NUMBER);
        bench.came("3", State::Delivered, NUMBER);
        bench.came("3", State::Delivered, NUMBER);
        bench.came("1", State::Delivered, NUMBER);
        assert_eq!(bench.told(), []);
        bench.came("2", State::Delivered, NUMBER);
        assert_eq!(bench.told(), one("1", State::Delivered));
        bench.taken(&["4", "5"], NUMBER);
        bench.came("5", State::Undeliverable, NUMBER);
        assert_eq!(bench.told(), one("4", State::Undeliverable));
        bench.came("4", State::Delivered, NUMBER);
        assert_eq!(bench.told(), []);
    }

    #[test]
    fn notations_are_told_apart_by_the_number() {
        let mut bench = Bench::new(ReceiptIds::Auto);
        // 16 in decimal is 10 in hexadecimal: whose receipt it is, only the number can say.
        bench.taken(&["10"], b"491701111111");
        bench.taken(&["16"], NUMBER);
        bench.came("10", State::Delivered, b"+491701234567");
        assert_eq!(bench.told(), one("16", State::Delivered));
        bench.came("10", State::Expired, b"01701111111");
        assert_eq!(bench.told(), one("10", State::Expired));
        // Where the receipt names no number, the same notation is the likeliest.
        bench.taken(&["20"], NUMBER);
        bench.came("20", State::Delivered, b"");
        assert_eq!(bench.told(), one("20", State::Delivered));
        let mut bench = Bench::new(ReceiptIds::Hex);
        bench.taken(&["255"], NUMBER);
        bench.came("000000FF", State::Delivered, b"");
        assert_eq!(bench.told(), one("255", State::Delivered));
    }

    #[test]
    fn what_nobody_knows_goes_up_by_its_id() {
        let mut bench = Bench::new(ReceiptIds::AsIs);
        bench.came("9", State::Delivered, NUMBER);
        bench.later(HOLD / 2);
        assert_eq!(bench.told(), []);
        bench.later(HOLD);
        assert_eq!(bench.told(), one("9", State::Delivered));
    }

    #[test]
    fn what_can_not_be_kept_now_counts_when_it_comes_again() {
        let mut bench = Bench::new(ReceiptIds::AsIs);
        bench.taken(&["1", "2"], NUMBER);
        assert!(bench.came("1", State::Delivered, NUMBER));
        bench.deaf = true;
        assert!(!bench.came("2", State::Delivered, NUMBER));
        assert!(bench.came("3", State::Expired, NUMBER));
        bench.taken(&["3"], NUMBER);
        bench.deaf = false;
        assert!(bench.came("2", State::Delivered, NUMBER));
        bench.later(HOLD);
        assert_eq!(bench.told(), [one("1", State::Delivered), one("3", State::Expired)].concat());
    }

    #[test]
    fn memory_is_limited() {
        let mut bench = Bench::new(ReceiptIds::AsIs);
        bench.tracker.max_known = 3;
        for id in ["1", "2", "3", "4", "4"] {
            bench.taken(&[id], NUMBER);
        }
        assert_eq!((bench.tracker.known.len(), bench.tracker.order.len()), (3, 3));
        for id in 100..200 + MAX_HELD {
            bench.came(&id.to_string(), State::Delivered, NUMBER);
        }
        assert_eq!(bench.tracker.held.len(), MAX_HELD);
        assert_eq!(bench.told().len(), 100);
    }

    /// An SMSC that gives an id once more, after its counter began again, means the new message.
    #[test]
    fn an_id_that_is_given_again_is_the_new_message() {
        let mut bench = Bench::new(ReceiptIds::AsIs);
        bench.taken(&["1"], NUMBER);
        bench.came("1", State::Delivered, NUMBER);
        bench.taken(&["1"], NUMBER);
        bench.came("1", State::Expired, NUMBER);
        assert_eq!(bench.told(), [one("1", State::Delivered), one("1", State::Expired)].concat());
    }
}
