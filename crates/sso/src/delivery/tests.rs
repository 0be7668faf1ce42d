use super::*;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;
use types::world::SeededRandom;

const DAY: Duration = Duration::from_secs(86_400);

fn tenant(number: i64) -> TenantId {
    TenantId::new(Millis(number), &SeededRandom::new(u64::try_from(number).unwrap()))
}

fn so_far(tries: i64) -> SoFar {
    SoFar { tenant: tenant(1), created: Millis(0), tries }
}

#[test]
fn it_is_tried_later_and_later_until_it_is_taken_or_given_up() {
    let now = Millis(1_000);
    let after = |tries, outcome, now| next(so_far(tries), outcome, DAY, now);
    let waits: Vec<u64> =
        (1..=12).map(|tries| after(tries, Outcome::Failed, now).unwrap().since(now).as_secs()).collect();
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
    assert_eq!(after(1, Outcome::Done, now), None);
    assert!(after(4, Outcome::Refused, now).is_some());
    assert_eq!(after(5, Outcome::Refused, now), None);
    assert_eq!(after(500, Outcome::Failed, Millis(0) + DAY), None);
    assert!(after(500, Outcome::Failed, Millis(-1) + DAY).is_some());
}

/// Something that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed {
    tenant: TenantId,
    whom: String,
    name: usize,
    due: Millis,
    tries: i64,
}

fn owed(of: i64, whom: &str, names: std::ops::Range<usize>, due: i64) -> Vec<Owed> {
    let one = |name| Owed { tenant: tenant(of), whom: whom.to_owned(), name, due: Millis(due), tries: 0 };
    names.map(one).collect()
}

/// An outbox in memory. Who is called deaf never answers.
struct Memory {
    owed: Mutex<Vec<Owed>>,
    /// What the next tries end with; when nothing is left they are done.
    ends: Mutex<VecDeque<Result<Outcome, SsoError>>>,
    brought: Mutex<Vec<Owed>>,
    /// How many are on their way to each, and the most that ever were.
    under_way: Mutex<BTreeMap<String, (usize, usize)>>,
    looks: AtomicUsize,
    noted: Notify,
    now: Mutex<Millis>,
    woken: Notify,
}

impl Memory {
    fn start(owed: Vec<Owed>, ends: Vec<Result<Outcome, SsoError>>) -> Arc<Self> {
        let started = Arc::new(Self {
            owed: Mutex::new(owed),
            ends: Mutex::new(ends.into()),
            brought: Mutex::default(),
            under_way: Mutex::default(),
            looks: AtomicUsize::new(0),
            noted: Notify::new(),
            now: Mutex::new(Millis(0)),
            woken: Notify::new(),
        });
        tokio::spawn(run(Arc::downgrade(&started)));
        started
    }

    fn owed(&self) -> Vec<(usize, Millis, i64)> {
        self.owed.lock().unwrap().iter().map(|one| (one.name, one.due, one.tries)).collect()
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    fn has_brought(&self, whom: &str) -> usize {
        self.brought.lock().unwrap().iter().filter(|one| one.whom == whom).count()
    }

    fn change(&self, one: &Owed, change: impl FnOnce(&mut Owed)) -> bool {
        let mut all = self.owed.lock().unwrap();
        let found = all.iter_mut().find(|known| (known.tenant, known.name) == (one.tenant, one.name));
        found.is_some_and(|found| {
            change(found);
            true
        })
    }
}

struct UnderWay<'a>(&'a Memory, String);

impl<'a> UnderWay<'a> {
    fn begin(memory: &'a Memory, whom: &str) -> Self {
        let mut all = memory.under_way.lock().unwrap();
        let (now, most) = all.entry(whom.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self(memory, whom.to_owned())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap().get_mut(&self.1).unwrap().0 -= 1;
    }
}

impl Outbox for Memory {
    type Owed = Owed;
    const WHAT: &'static str = "test";
    const GIVEN_UP: Duration = DAY;

    fn now(&self) -> Millis {
        *self.now.lock().unwrap()
    }

    fn so_far(owed: &Owed) -> SoFar {
        SoFar { tenant: owed.tenant, ..so_far(owed.tries) }
    }

    fn whom(owed: &Owed) -> String {
        owed.whom.clone()
    }

    async fn is_due(&self, now: Millis) -> Result<bool, StoreError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(self.owed.lock().unwrap().iter().any(|one| one.due <= now))
    }

    /// As the store has it.
    async fn due(&self, now: Millis, each: i64, most: i64) -> Result<Vec<Owed>, StoreError> {
        let mut due: Vec<Owed> = self.owed.lock().unwrap().iter().filter(|one| one.due <= now).cloned().collect();
        due.sort_by_key(|one| one.due);
        let mut places: BTreeMap<(TenantId, String), i64> = BTreeMap::new();
        let mut placed: Vec<(i64, Owed)> = Vec::new();
        for one in due {
            let place = places.entry((one.tenant, one.whom.clone())).or_default();
            *place += 1;
            placed.push((*place, one));
        }
        placed.retain(|(place, _)| *place <= each);
        placed.sort_by_key(|(place, one)| (*place, one.due));
        let mut turns: BTreeMap<TenantId, i64> = BTreeMap::new();
        let mut in_turn: Vec<(i64, Owed)> = Vec::new();
        for (_, one) in placed {
            let turn = turns.entry(one.tenant).or_default();
            *turn += 1;
            in_turn.push((*turn, one));
        }
        in_turn.sort_by_key(|(turn, one)| (*turn, one.due));
        in_turn.truncate(usize::try_from(most).unwrap());
        Ok(in_turn.into_iter().map(|(_, one)| one).collect())
    }

    async fn take(&self, owed: Vec<Owed>, until: Millis) -> Result<Vec<Owed>, StoreError> {
        let mut taken = Vec::new();
        for one in owed {
            assert!(self.change(&one, |known| (known.due, known.tries) = (until, known.tries + 1)));
            taken.push(Owed { tries: one.tries + 1, ..one });
        }
        Ok(taken)
    }

    async fn bring(&self, owed: &Owed) -> Result<Outcome, SsoError> {
        self.brought.lock().unwrap().push(owed.clone());
        let _under_way = UnderWay::begin(self, &owed.whom);
        if owed.whom.starts_with("deaf") {
            return future::pending().await;
        }
        tokio::task::yield_now().await;
        self.ends.lock().unwrap().pop_front().unwrap_or(Ok(Outcome::Done))
    }

    async fn note(&self, owed: &Owed, again: Option<Millis>) -> Result<(), StoreError> {
        match again {
            None => self.owed.lock().unwrap().retain(|one| (one.tenant, one.name) != (owed.tenant, owed.name)),
            Some(due) => drop(self.change(owed, |known| known.due = due)),
        }
        self.noted.notify_one();
        Ok(())
    }

    async fn give_back(&self, owed: Vec<Owed>) -> Result<(), StoreError> {
        for one in owed {
            self.change(&one, |known| (known.due, known.tries) = (one.due, known.tries - 1));
        }
        Ok(())
    }

    fn woken(&self) -> impl Future<Output = ()> + Send {
        self.woken.notified()
    }
}

// The clock of these stands still but for what the runner waits for, and then it jumps.
#[tokio::test(start_paused = true)]
async fn what_is_taken_is_gone_and_what_fails_comes_again_when_it_is_due() {
    let ends = vec![Ok(Outcome::Failed), Err(SsoError::Damaged("test"))];
    let outbox = Memory::start(owed(1, "a", 0..1, 0), ends);
    outbox.noted.notified().await;
    assert_eq!(outbox.owed(), [(0, Millis(2_000), 1)]);
    *outbox.now.lock().unwrap() = Millis(2_000);
    outbox.noted.notified().await;
    // An error of ours is no end of it.
    assert_eq!(outbox.owed(), [(0, Millis(6_000), 2)]);
    *outbox.now.lock().unwrap() = Millis(6_000);
    outbox.noted.notified().await;
    assert!(outbox.owed().is_empty());
    assert_eq!(outbox.has_brought("a"), 3);
}

#[tokio::test(start_paused = true)]
async fn more_than_is_taken_at_once_is_brought_without_a_pause_and_two_at_a_time() {
    let outbox = Memory::start([owed(1, "a", 0..300, 0), owed(1, "b", 300..400, 0)].concat(), Vec::new());
    let before = tokio::time::Instant::now();
    while !outbox.owed().is_empty() {
        outbox.noted.notified().await;
    }
    assert_eq!((outbox.brought.lock().unwrap().len(), before.elapsed()), (400, Duration::ZERO));
    assert!(outbox.under_way.lock().unwrap().values().all(|(now, most)| (*now, *most) == (0, 2)));
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_looks_at_once_and_who_is_dropped_ends() {
    let outbox = Memory::start(Vec::new(), Vec::new());
    tokio::task::yield_now().await;
    let before = tokio::time::Instant::now();
    outbox.owed.lock().unwrap().extend(owed(1, "a", 0..1, 0));
    outbox.woken.notify_one();
    outbox.noted.notified().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    let gone = Arc::downgrade(&outbox);
    drop(outbox);
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(gone.strong_count(), 0);
}

/// After how many looks somebody has heard.
async fn looks_until(outbox: &Memory, whom: &str) -> usize {
    while outbox.has_brought(whom) == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    outbox.looks()
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_holds_up_nobody_of_his_organisation_and_of_no_other() {
    // Of one organisation five hundred don't answer, each with two hundred ends of sessions, and all of them are older.
    let mut all: Vec<Owed> =
        (0..500).flat_map(|at| owed(1, &format!("deaf {at}"), at * 200..(at + 1) * 200, -1000)).collect();
    all.extend(owed(2, "there", 0..1, 0));
    let outbox = Memory::start(all, Vec::new());
    assert!(looks_until(&outbox, "there").await <= 3);
    assert!(outbox.under_way.lock().unwrap().values().all(|(_, most)| *most <= 2));

    let outbox = Memory::start([owed(1, "deaf", 0..200, -1000), owed(1, "there", 200..201, 0)].concat(), Vec::new());
    assert!(looks_until(&outbox, "there").await <= 3);
    // Who hasn't answered is left alone for longer and longer, and what he wasn't asked about counts no try.
    for second in 0..600_i64 {
        *outbox.now.lock().unwrap() = Millis(second * 1000);
        tokio::time::sleep(LOOK).await;
    }
    // What is on its way comes to its end, and the clock stands.
    tokio::time::sleep(3 * DEADLINE).await;
    let tried = outbox.has_brought("deaf");
    assert!((20..=60).contains(&tried), "{tried}");
    assert_eq!(outbox.owed.lock().unwrap().iter().map(|one| one.tries).sum::<i64>(), i64::try_from(tried).unwrap());
    assert_eq!(outbox.under_way.lock().unwrap()["deaf"].1, 2);
}
