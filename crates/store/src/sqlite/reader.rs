//! Reading threads, each with its connection.
//!
//! Whoever asks while all of them are busy waits in one row, and a thread that comes back takes several from it: they are read in one
//! snapshot. After each commit of the writer a new snapshot throws a connection's pages away, so one for many is what makes them cheap.
//! A snapshot begins after all that are read in it have asked, so each sees what was committed before it asked.

use super::bind;
use crate::engine::{Call, Row, StoreError};
use rusqlite::Connection;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
};
use tokio::sync::oneshot;

/// At most so many are read in one snapshot: bounds how long the WAL can't be written back behind it.
const TOGETHER: usize = 32;

type Other = Box<dyn FnOnce(&Connection) + Send>;
type Reply = oneshot::Sender<Result<Vec<Vec<Row>>, StoreError>>;

enum Job {
    Read(Vec<Call>, Reply),
    Other(Other),
}

pub(super) struct Readers {
    row: Arc<Waiting>,
}

struct Waiting {
    jobs: Mutex<Jobs>,
    come: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Threads that live.
    threads: usize,
    /// Those of them with nothing to do.
    idle: usize,
    over: bool,
}

/// One thread's life, however it ends: whoever waits hears of the end of the last one.
struct Life(Arc<Waiting>);

impl Drop for Life {
    fn drop(&mut self) {
        let mut jobs = self.0.jobs();
        jobs.threads -= 1;
        if jobs.threads == 0 {
            jobs.over = true;
            jobs.waiting.clear();
        }
    }
}

impl Readers {
    /// A thread for each connection; they end when this is dropped.
    pub(super) fn start(connections: Vec<Connection>) -> Self {
        let jobs = Jobs { threads: connections.len(), ..Jobs::default() };
        let row = Arc::new(Waiting { jobs: Mutex::new(jobs), come: Condvar::new() });
        for connection in connections {
            let life = Life(Arc::clone(&row));
            thread::spawn(move || {
                while let Some(jobs) = life.0.take() {
                    serve(&connection, jobs);
                }
            });
        }
        Self { row }
    }

    /// Reads in one snapshot, on the next free connection.
    pub(super) async fn read(&self, calls: Vec<Call>) -> Result<Vec<Vec<Row>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.row.put(Job::Read(calls, reply));
        answer.await.map_err(|_| gone())?
    }

    /// Runs `job` on the next free connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.row.put(Job::Other(Box::new(move |connection| {
            // Nobody listens any more when the request was dropped.
            let _ = reply.send(job(connection));
        })));
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.row.jobs().over = true;
        self.row.come.notify_all();
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the reading threads have ended".to_owned())
}

impl Waiting {
    fn jobs(&self) -> std::sync::MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Job) {
        let mut jobs = self.jobs();
        if jobs.over {
            return;
        }
        jobs.waiting.push_back(job);
        let wake = jobs.idle > 0;
        drop(jobs);
        // A thread that works looks again by itself.
        if wake {
            self.come.notify_one();
        }
    }

    /// The next jobs, several only if they all read; nothing when it is over.
    fn take(&self) -> Option<Vec<Job>> {
        let mut jobs = self.jobs();
        loop {
            if let Some(first) = jobs.waiting.pop_front() {
                let mut taken = vec![first];
                // What others could begin with at once is left to them.
                let share = jobs.waiting.len() / (jobs.idle + 1);
                while taken.len() <= share.min(TOGETHER - 1)
                    && matches!(taken.last(), Some(Job::Read(..)))
                    && matches!(jobs.waiting.front(), Some(Job::Read(..)))
                {
                    taken.extend(jobs.waiting.pop_front());
                }
                return Some(taken);
            }
            if jobs.over {
                return None;
            }
            jobs.idle += 1;
            jobs = self.come.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            jobs.idle -= 1;
        }
    }
}

fn serve(connection: &Connection, jobs: Vec<Job>) {
    let calls: usize = jobs.iter().map(|job| if let Job::Read(calls, _) = job { calls.len() } else { 0 }).sum();
    let snapshot = if calls > 1 { connection.unchecked_transaction().map(Some) } else { Ok(None) };
    for job in jobs {
        match (job, &snapshot) {
            (Job::Other(job), _) => job(connection),
            (Job::Read(_, reply), Err(error)) => drop(reply.send(Err(StoreError::Unavailable(error.to_string())))),
            // One who has gone away is not read for.
            (Job::Read(_, reply), Ok(_)) if reply.is_closed() => {}
            (Job::Read(calls, reply), Ok(_)) => {
                let rows = calls.into_iter().map(|(statement, params)| bind::run(connection, statement, params));
                let _ = reply.send(rows.collect());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn when_the_last_thread_has_ended_nobody_waits_for_ever() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let connections = (0..2).map(|_| Connection::open_in_memory().unwrap()).collect();
            let readers = Readers::start(connections);
            let ask = async |fails: bool| {
                let answer = readers.run(move |_| {
                    assert!(!fails, "one that no reader survives");
                    Ok(())
                });
                tokio::time::timeout(Duration::from_secs(60), answer).await.unwrap()
            };
            assert!(matches!(ask(true).await, Err(StoreError::Unavailable(_))));
            assert!(ask(false).await.is_ok(), "the other thread goes on");
            assert!(matches!(ask(true).await, Err(StoreError::Unavailable(_))));
            for fails in [false, true] {
                assert!(matches!(ask(fails).await, Err(StoreError::Unavailable(_))));
            }
        });
    }
}
