use super::*;
use std::{collections::VecDeque, sync::Mutex};
use tokio::sync::Notify;
use types::world::SeededRandom;

const DAY: Duration = Duration::from_secs(86_400);

fn so_far(tries: i64) -> SoFar {
    SoFar { tenant: TenantId::new(Millis(1), &SeededRandom::new(1)), created: Millis(0), tries }
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
    assert_eq!(after(i64::MAX, Outcome::Failed, now).unwrap().since(now), LONGEST_WAIT);
}

/// An outbox in memory: each thing that is owed with when it is due and how often it was tried.
struct Memory {
    owed: Mutex<Vec<(String, Millis, i64)>>,
    /// What the next tries end with; when nothing is left they are done.
    ends: Mutex<VecDeque<Result<Outcome, SsoError>>>,
    brought: Mutex<Vec<String>>,
    noted: Notify,
    now: Mutex<Millis>,
    woken: Notify,
}

impl Memory {
    fn start(owed: &[&str], ends: Vec<Result<Outcome, SsoError>>) -> Arc<Self> {
        let started = Arc::new(Self {
            owed: Mutex::new(owed.iter().map(|what| ((*what).to_owned(), Millis(0), 0)).collect()),
            ends: Mutex::new(ends.into()),
            brought: Mutex::default(),
            noted: Notify::new(),
            now: Mutex::new(Millis(0)),
            woken: Notify::new(),
        });
        tokio::spawn(run(Arc::downgrade(&started)));
        started
    }

    fn owed(&self) -> Vec<(String, Millis, i64)> {
        self.owed.lock().unwrap().clone()
    }
}

impl Outbox for Memory {
    type Owed = (String, i64);
    const WHAT: &'static str = "test";
    const GIVEN_UP: Duration = DAY;

    fn now(&self) -> Millis {
        *self.now.lock().unwrap()
    }

    fn so_far(owed: &Self::Owed) -> SoFar {
        so_far(owed.1)
    }

    async fn is_due(&self, now: Millis) -> Result<bool, StoreError> {
        Ok(self.owed().iter().any(|(_, due, _)| *due <= now))
    }

    async fn take(&self, now: Millis, until: Millis, most: i64) -> Result<Vec<Self::Owed>, StoreError> {
        let mut owed = self.owed.lock().unwrap();
        let due = owed.iter_mut().filter(|(_, due, _)| *due <= now).take(usize::try_from(most).unwrap());
        Ok(due
            .map(|one| {
                (one.1, one.2) = (until, one.2 + 1);
                (one.0.clone(), one.2)
            })
            .collect())
    }

    async fn bring(&self, owed: &Self::Owed) -> Result<Outcome, SsoError> {
        self.brought.lock().unwrap().push(owed.0.clone());
        self.ends.lock().unwrap().pop_front().unwrap_or(Ok(Outcome::Done))
    }

    async fn note(&self, owed: &Self::Owed, again: Option<Millis>) -> Result<(), StoreError> {
        let mut all = self.owed.lock().unwrap();
        match again {
            None => all.retain(|one| one.0 != owed.0),
            Some(due) => all.iter_mut().filter(|one| one.0 == owed.0).for_each(|one| one.1 = due),
        }
        self.noted.notify_one();
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
    let outbox = Memory::start(&["a"], ends);
    outbox.noted.notified().await;
    assert_eq!(outbox.owed(), [("a".to_owned(), Millis(2_000), 1)]);
    *outbox.now.lock().unwrap() = Millis(2_000);
    outbox.noted.notified().await;
    // An error of ours is no end of it.
    assert_eq!(outbox.owed(), [("a".to_owned(), Millis(6_000), 2)]);
    *outbox.now.lock().unwrap() = Millis(6_000);
    outbox.noted.notified().await;
    assert!(outbox.owed().is_empty());
    assert_eq!(*outbox.brought.lock().unwrap(), ["a", "a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_is_taken_at_once_is_brought_without_a_pause() {
    let names: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let outbox = Memory::start(&names, Vec::new());
    let before = tokio::time::Instant::now();
    while !outbox.owed().is_empty() {
        outbox.noted.notified().await;
    }
    assert_eq!((outbox.brought.lock().unwrap().len(), before.elapsed()), (300, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_looks_at_once_and_who_is_dropped_ends() {
    let outbox = Memory::start(&[], Vec::new());
    tokio::task::yield_now().await;
    let before = tokio::time::Instant::now();
    outbox.owed.lock().unwrap().push(("new".to_owned(), Millis(0), 0));
    outbox.woken.notify_one();
    outbox.noted.notified().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    let gone = Arc::downgrade(&outbox);
    drop(outbox);
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(gone.strong_count(), 0);
}
