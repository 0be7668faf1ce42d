//! Reading threads, each with its connection.

use crate::engine::StoreError;
use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub(super) struct Readers {
    jobs: mpsc::Sender<Job>,
}

impl Readers {
    /// A thread for each connection; they end when the last sender is gone.
    pub(super) fn start(connections: Vec<Connection>) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for connection in connections {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    // The lock is held while waiting: one thread waits for work, the others wait for the lock.
                    let job = match queue.lock() {
                        Ok(queue) => queue.recv(),
                        Err(_) => return,
                    };
                    match job {
                        Ok(job) => job(&connection),
                        Err(_) => return,
                    }
                }
            });
        }
        Self { jobs }
    }

    /// Runs `job` on the next free connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || StoreError::Unavailable("the reading threads have ended".to_owned());
        self.jobs
            .send(Box::new(move |connection| {
                // Nobody listens any more when the request was dropped.
                let _ = reply.send(job(connection));
            }))
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
