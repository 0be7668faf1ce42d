//! Has messages deleted or redacted at the supplier: when the last receipt has come, or when none can come any more.
//!
//! What is to be forgotten is in memory, and in the [`Ledger`] where there is one, so that it can be [taken up](Forgetter::later) again
//! after a restart. One task does all of it, and ends when nothing waits.

use crate::asking::is_id;
use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

/// So many messages wait at most; each is a few hundred bytes.
const MOST: usize = 50_000;
/// So many requests are under way at once.
const AT_ONCE: usize = 4;

/// Asks a supplier to delete or redact a message.
pub trait Erase: Send + Sync + 'static {
    /// Asks once. `true` if the message is gone; else it is asked again.
    fn erase(&self, id: &str) -> impl Future<Output = bool> + Send;
}

/// Keeps what is to be forgotten beyond the end of the process. Neither blocks; what is said first counts first.
pub trait Ledger: Send + Sync + 'static {
    /// This message is to be forgotten, `delay` from now at the latest. It is known already where the time has changed.
    fn keep(&self, id: &str, delay: Duration);
    /// It is gone, or given up.
    fn done(&self, id: &str);
}

/// The messages that a supplier is to forget.
pub struct Forgetter<E>(Arc<Work<E>>);

struct Work<E> {
    list: Mutex<List>,
    changed: Notify,
    eraser: E,
    ledger: OnceLock<Arc<dyn Ledger>>,
    pauses: Vec<Duration>,
}

#[derive(Default)]
struct List {
    due: BTreeMap<(Instant, u64), Job>,
    places: HashMap<String, (Instant, u64)>,
    count: u64,
    /// Whether the task is there.
    is_running: bool,
}

struct Job {
    id: String,
    /// Failed tries.
    tries: usize,
}

impl List {
    fn put(&mut self, job: Job, at: Instant) {
        if let Some(place) = self.places.remove(&job.id) {
            self.due.remove(&place);
        }
        self.count += 1;
        self.places.insert(job.id.clone(), (at, self.count));
        self.due.insert((at, self.count), job);
    }

    /// The jobs whose time has come, and when the next one's does.
    fn take(&mut self, now: Instant) -> (Vec<Job>, Option<Instant>) {
        let mut jobs = Vec::new();
        while let Some(first) = self.due.first_entry() {
            if jobs.len() >= AT_ONCE || first.key().0 > now {
                break;
            }
            let job = first.remove();
            self.places.remove(&job.id);
            jobs.push(job);
        }
        (jobs, self.due.first_key_value().map(|((at, _), _)| *at))
    }
}

impl<E: Erase> Forgetter<E> {
    /// `pauses` stand before each try; when they are used up, it is given up.
    #[must_use]
    pub fn new(eraser: E, pauses: Vec<Duration>) -> Self {
        let (list, changed, ledger) = (Mutex::default(), Notify::new(), OnceLock::new());
        Self(Arc::new(Work { list, changed, eraser, ledger, pauses }))
    }

    /// Has what is to be forgotten kept there from now on. Only the first one counts.
    pub fn keep_in(&self, ledger: Arc<dyn Ledger>) {
        let _ = self.0.ledger.set(ledger);
    }

    /// When nothing more can come: `delay` from now, unless it is asked for before.
    pub fn later(&self, id: &str, delay: Duration) {
        let is_known = self.0.list().places.contains_key(id);
        if !is_known {
            self.put(id, delay);
        }
    }

    /// Now: nothing more can come.
    pub fn now(&self, id: &str) {
        let is_tried = {
            let list = self.0.list();
            list.places.get(id).and_then(|place| list.due.get(place)).is_some_and(|job| job.tries > 0)
        };
        // A receipt that comes again doesn't begin the tries anew.
        if !is_tried {
            self.put(id, Duration::ZERO);
        }
    }

    fn put(&self, id: &str, delay: Duration) {
        let first = self.0.pauses.first().copied();
        let (Some(first), true) = (first, is_id(id)) else { return };
        let mut list = self.0.list();
        if list.due.len() >= MOST && !list.places.contains_key(id) {
            tracing::warn!("too many messages wait to be forgotten by a supplier");
            return;
        }
        if let Some(ledger) = self.0.ledger.get() {
            ledger.keep(id, delay);
        }
        list.put(Job { id: id.to_owned(), tries: 0 }, Instant::now() + delay + first);
        if !list.is_running {
            list.is_running = true;
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        drop(list);
        self.0.changed.notify_one();
    }
}

async fn run<E: Erase>(work: Arc<Work<E>>) {
    loop {
        let (jobs, next) = {
            let mut list = work.list();
            let (jobs, next) = list.take(Instant::now());
            if jobs.is_empty() && next.is_none() {
                list.is_running = false;
                return;
            }
            (jobs, next)
        };
        if jobs.is_empty() {
            let next = next.unwrap_or_else(Instant::now);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = work.changed.notified() => {}
            }
            continue;
        }
        let mut tried = JoinSet::new();
        for job in jobs {
            let work = Arc::clone(&work);
            tried.spawn(async move { work.try_once(job).await });
        }
        while tried.join_next().await.is_some() {}
    }
}

impl<E: Erase> Work<E> {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn try_once(&self, job: Job) {
        let erased = self.eraser.erase(&job.id).await;
        let tries = job.tries + 1;
        match self.pauses.get(tries).filter(|_| !erased) {
            Some(pause) => {
                if let Some(ledger) = self.ledger.get() {
                    ledger.keep(&job.id, *pause);
                }
                return self.list().put(Job { id: job.id, tries }, Instant::now() + *pause);
            }
            None if !erased => tracing::warn!("a supplier did not forget a message"),
            None => {}
        }
        if let Some(ledger) = self.ledger.get() {
            ledger.done(&job.id);
        }
    }
}
