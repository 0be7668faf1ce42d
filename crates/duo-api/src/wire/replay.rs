//! Signatures that were already used, for as long as their date would let them be used again.
//!
//! TLS keeps signatures from others' eyes; this is for the day on which it doesn't (a debugging proxy, a logged header).
//! It covers this process only: a restart forgets, and another node doesn't know. What must happen once is therefore a
//! constraint in the store (a passcode, an approval); this ledger comes on top of it.
//!
//! It applies to requests that change something ([`is_guarded`]) and whose version carries a date. Dates have whole
//! seconds, so a client that sends two equal requests within one second sends one signature twice: reading, polling and
//! preauth do that rightfully, and are let through.

use super::ApiError;
use http::Method;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};
use types::Millis;

const SHARDS: usize = 64;
/// Signed dates of these many milliseconds share a set, which is dropped as a whole.
const SET_MS: i64 = 30_000;
/// How often a full ledger may look through all shards for something to drop, in milliseconds.
const SWEEP_MS: i64 = 1000;

/// What a ledger says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Not seen before; it is now.
    Fresh,
    /// Seen before, or so old that it may have been forgotten.
    Replayed,
    /// The ledger holds all it may. The request must not go ahead.
    Full,
}

impl Verdict {
    /// The refusal, if it is one. [`Verdict::Full`] is a 429: the flood ends within the window, and no client takes a
    /// 429 for leave to let someone in.
    ///
    /// # Errors
    /// 40301 or 42901.
    pub const fn into_result(self) -> Result<(), ApiError> {
        match self {
            Self::Fresh => Ok(()),
            Self::Replayed => Err(ApiError::replayed()),
            Self::Full => Err(ApiError::too_many_requests(30)),
        }
    }
}

/// Whether a replay of this request could do harm: it changes something. Not preauth and not the questions that are
/// asked by POST.
#[must_use]
pub fn is_guarded(method: &Method, path: &str) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let (_, path) = super::Encoding::of_path(path);
    !matches!(
        path,
        "/auth/v2/preauth"
            | "/auth/v2/enroll_status"
            | "/auth/v2/auth_status"
            | "/auth/v2/check"
            | "/auth/v2/ping"
            | "/rest/v1/preauth"
            | "/rest/v1/status"
            | "/rest/v1/check"
            | "/rest/v1/ping"
            | "/accounts/v1/account/list"
    )
}

/// The ledger.
///
/// A signature is a keyed hash, so its first eight bytes name it: among a million of them the chance that two agree is
/// one in ten million millions, and no one can aim at another's. An entry takes 10 to 21 bytes.
pub struct ReplayLedger {
    shards: Box<[Mutex<Shard>]>,
    held: AtomicUsize,
    capacity: usize,
    swept: AtomicI64,
}

/// By `signed_at / SET_MS`. The date is part of what is signed, so one signature always has the same place.
#[derive(Default)]
struct Shard {
    sets: BTreeMap<i64, HashSet<u64>>,
    /// The latest `now`: a clock that is set back must not make what was dropped fresh again.
    latest: i64,
}

impl Default for ReplayLedger {
    /// Two million entries, 40 MB at the most: 6,600 guarded requests a second for five minutes.
    fn default() -> Self {
        Self::new(2_000_000)
    }
}

impl ReplayLedger {
    /// A ledger of at most `capacity` signatures. Memory is taken as it is needed.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            held: AtomicUsize::new(0),
            capacity,
            swept: AtomicI64::new(i64::MIN),
        }
    }

    /// Notes a verified signature (see [`super::Proof`]). Of any number of callers with the same one, exactly one is told
    /// [`Verdict::Fresh`].
    pub fn accept(&self, signature: &[u8], signed_at: Millis, now: Millis) -> Verdict {
        let name = name_of(signature);
        let verdict = self.try_accept(name, signed_at, now, false);
        if verdict == Verdict::Full && self.sweep(now) { self.try_accept(name, signed_at, now, false) } else { verdict }
    }

    /// As [`ReplayLedger::accept`], for a name that its sender chose, such as a JWT's `jti`: it may come again with another date, so
    /// it is looked for among all that are held. `until` is when what it names stops being good.
    pub fn accept_name(&self, name: &[u8; 32], until: Millis, now: Millis) -> Verdict {
        let name = name_of(name);
        let verdict = self.try_accept(name, until, now, true);
        if verdict == Verdict::Full && self.sweep(now) { self.try_accept(name, until, now, true) } else { verdict }
    }

    fn try_accept(&self, name: u64, signed_at: Millis, now: Millis, any_date: bool) -> Verdict {
        let mut shard = self.shard(name);
        self.drop_old(&mut shard, now);
        if signed_at.0 < oldest(shard.latest) {
            return Verdict::Replayed;
        }
        let place = signed_at.0.div_euclid(SET_MS);
        let held = |set: &HashSet<u64>| set.contains(&name);
        if if any_date { shard.sets.values().any(held) } else { shard.sets.get(&place).is_some_and(held) } {
            return Verdict::Replayed;
        }
        let taken = self
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| (held < self.capacity).then_some(held + 1));
        if taken.is_err() {
            return Verdict::Full;
        }
        shard.sets.entry(place).or_default().insert(name);
        Verdict::Fresh
    }

    /// Forgets a signature that [`ReplayLedger::accept`] called fresh, because its request was answered by 429: all
    /// libraries but duo_unix then send the very same request again.
    pub fn release(&self, signature: &[u8], signed_at: Millis) {
        let name = name_of(signature);
        let mut shard = self.shard(name);
        let place = signed_at.0.div_euclid(SET_MS);
        if shard.sets.get_mut(&place).is_some_and(|set| set.remove(&name)) {
            self.held.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many signatures are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, name: u64) -> MutexGuard<'_, Shard> {
        let place = usize::try_from(name % SHARDS as u64).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "place is below SHARDS, which is the number of shards")]
        let shard = &self.shards[place];
        // A panic elsewhere left the sets whole: every change of them is one call.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_old(&self, shard: &mut Shard, now: Millis) {
        shard.latest = shard.latest.max(now.0);
        let first_kept = oldest(shard.latest).div_euclid(SET_MS);
        while let Some(entry) = shard.sets.first_entry() {
            if *entry.key() >= first_kept {
                break;
            }
            self.held.fetch_sub(entry.remove().len(), Ordering::Relaxed);
        }
    }

    /// Drops what is old in all shards. False when another caller did so a moment ago.
    fn sweep(&self, now: Millis) -> bool {
        let swept = self.swept.load(Ordering::Relaxed);
        if now.0.saturating_sub(swept) < SWEEP_MS
            || self.swept.compare_exchange(swept, now.0, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return false;
        }
        for shard in &self.shards {
            self.drop_old(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), now);
        }
        true
    }
}

/// Signatures dated before this are refused by their date.
fn oldest(now: i64) -> i64 {
    now.saturating_sub(i64::try_from(super::WINDOW.as_millis()).unwrap_or(i64::MAX))
}

fn name_of(signature: &[u8]) -> u64 {
    let mut name = [0; 8];
    for (to, from) in name.iter_mut().zip(signature) {
        *to = *from;
    }
    u64::from_le_bytes(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Barrier;

    const NOW: Millis = Millis(1_795_291_200_000);

    fn at(seconds: i64) -> Millis {
        Millis(NOW.0 + seconds * 1000)
    }

    fn signature(n: u64) -> [u8; 64] {
        let mut bytes = [7; 64];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        bytes
    }

    #[test]
    fn of_a_hundred_parallel_presenters_exactly_one_is_fresh() {
        for round in 0..20 {
            let (ledger, barrier) = (ReplayLedger::default(), Barrier::new(100));
            let fresh: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..100)
                    .map(|_| {
                        scope.spawn(|| {
                            barrier.wait();
                            usize::from(ledger.accept(&signature(round), NOW, NOW) == Verdict::Fresh)
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!((fresh, ledger.len()), (1, 1));
        }
    }

    #[test]
    fn a_signature_is_refused_for_as_long_as_its_date_is_good_and_then_dropped() {
        let ledger = ReplayLedger::default();
        assert_eq!(ledger.accept(&signature(1), at(300), NOW), Verdict::Fresh, "a client whose clock is ahead");
        for later in [0, 1, 299, 300, 599, 600] {
            assert_eq!(ledger.accept(&signature(1), at(300), at(later)), Verdict::Replayed, "{later}");
        }
        assert_eq!(ledger.accept(&signature(1), at(300), at(601)), Verdict::Replayed, "its date alone forbids it");
        assert_eq!(ledger.accept(&signature(1 + 64), at(700), at(700)), Verdict::Fresh, "of the same shard");
        assert_eq!(ledger.len(), 1, "the old one is gone");
    }

    #[test]
    fn a_clock_set_back_makes_nothing_fresh_again() {
        let ledger = ReplayLedger::default();
        assert_eq!(ledger.accept(&signature(1), NOW, NOW), Verdict::Fresh);
        assert_eq!(ledger.accept(&signature(65), at(1000), at(1000)), Verdict::Fresh);
        assert_eq!(ledger.accept(&signature(1), NOW, NOW), Verdict::Replayed);
    }

    #[test]
    fn a_full_ledger_refuses_until_time_frees_it() {
        let ledger = ReplayLedger::new(10);
        for n in 0..10 {
            assert_eq!(ledger.accept(&signature(n), NOW, NOW), Verdict::Fresh);
        }
        assert_eq!(ledger.accept(&signature(99), NOW, NOW), Verdict::Full);
        assert_eq!(ledger.accept(&signature(3), NOW, NOW), Verdict::Replayed, "a replay is still known for one");
        assert_eq!(Verdict::Full.into_result().map_err(|error| error.code()), Err(42_901));
        assert_eq!(ledger.len(), 10);
        assert_eq!(ledger.accept(&signature(99), at(400), at(400)), Verdict::Fresh, "entries of all shards made room");
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn a_request_that_was_told_to_come_back_may_come_back() {
        let ledger = ReplayLedger::default();
        assert_eq!(ledger.accept(&signature(1), NOW, NOW), Verdict::Fresh);
        ledger.release(&signature(1), NOW);
        ledger.release(&signature(1), NOW);
        assert!(ledger.is_empty());
        assert_eq!(ledger.accept(&signature(1), NOW, at(1)), Verdict::Fresh);
    }

    #[test]
    fn of_a_hundred_with_one_name_and_a_hundred_dates_exactly_one_is_fresh() {
        for round in 0..20 {
            let (ledger, barrier) = (ReplayLedger::default(), Barrier::new(100));
            let fresh: usize = std::thread::scope(|scope| {
                let one = |n| {
                    let (ledger, barrier) = (&ledger, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        usize::from(ledger.accept_name(&[round; 32], at(n), NOW) == Verdict::Fresh)
                    })
                };
                let threads: Vec<_> = (0..100).map(one).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!((fresh, ledger.len()), (1, 1));
        }
    }

    #[test]
    fn a_name_that_was_chosen_is_refused_with_any_date() {
        let (ledger, name) = (ReplayLedger::default(), [9; 32]);
        assert_eq!(ledger.accept_name(&name, at(300), NOW), Verdict::Fresh);
        for until in [300, 299, 100, 420] {
            assert_eq!(ledger.accept_name(&name, at(until), at(5)), Verdict::Replayed, "{until}");
        }
        assert_eq!(ledger.accept_name(&[8; 32], at(300), NOW), Verdict::Fresh);
        assert_eq!(ledger.accept_name(&name, at(1000), at(700)), Verdict::Fresh, "the first is no good any more");
    }

    #[test]
    fn a_replay_is_refused_but_not_by_401() {
        assert_eq!(Verdict::Replayed.into_result().map_err(|error| error.status().as_u16()), Err(403));
        assert_eq!(Verdict::Fresh.into_result(), Ok(()));
    }

    #[test]
    fn what_changes_something_is_guarded() {
        for (method, path, guarded) in [
            (Method::POST, "/auth/v2/auth", true),
            (Method::POST, "/rest/v1/auth.bson", true),
            (Method::POST, "/auth/v2/enroll", true),
            (Method::POST, "/admin/v1/users", true),
            (Method::DELETE, "/admin/v1/users/DUAAAAAAAAAAAAAAAAAA", true),
            (Method::PUT, "/admin/v2/policies/POAAAAAAAAAAAAAAAAAA", true),
            (Method::POST, "/auth/v2/preauth", false),
            (Method::POST, "/rest/v1/preauth.json", false),
            (Method::POST, "/auth/v2/enroll_status", false),
            (Method::GET, "/auth/v2/auth_status", false),
            (Method::GET, "/admin/v1/users", false),
        ] {
            assert_eq!(is_guarded(&method, path), guarded, "{method} {path}");
        }
    }

    proptest! {
        #[test]
        fn no_signature_is_fresh_twice(steps in prop::collection::vec((0_u64..8, -300_i64..=300, 0_i64..200), 1..60)) {
            let ledger = ReplayLedger::new(1000);
            let (mut now, mut seen) = (NOW, HashSet::new());
            for (n, skew, wait) in steps {
                now = Millis(now.0 + wait * 1000);
                let signed_at = Millis(now.0 + skew * 1000);
                // The date is part of the signature.
                let name = signature(n ^ (signed_at.0 as u64) << 8);
                let fresh = ledger.accept(&name, signed_at, now) == Verdict::Fresh;
                prop_assert_eq!(fresh, seen.insert(name));
                prop_assert!(ledger.len() <= seen.len());
            }
        }
    }
}
