//! The one writer: it takes transactions one after the other and makes them durable together.
//!
//! An fsync costs about as much as eighty logins. So the writer opens one SQLite transaction for as many of ours as wait,
//! each inside its own savepoint (one failure spoils no other), commits once, and only then acknowledges all of them. There
//! is no timer: with one waiting it is a group of one, and under load groups grow by themselves.

use super::{bind, unavailable};
use crate::engine::{Pending, Row, Statement, StoreError, Transaction, Value};
use rusqlite::Connection;
use std::{sync::mpsc, thread, time::Duration};
use tokio::sync::{broadcast, oneshot};

/// At most so many transactions in a group: bounds what one commit holds back.
const GROUP: usize = 512;
/// A transaction that says nothing for so long is rolled back: nobody may hold the writer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The WAL is written back to the database when it has so many pages (of 4 KiB).
const CHECKPOINT_PAGES: i64 = 16_384;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Begin(oneshot::Sender<SqliteTransaction>),
    Execute(String, Reply<()>),
}

enum Command {
    Run(&'static Statement, Vec<Value>, Reply<Vec<Row>>),
    Notify(String),
    Commit(Reply<()>),
}

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    pub(super) fn start(connection: Connection, notices: broadcast::Sender<String>) -> Self {
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || Loop { connection, queue, notices, acks: Vec::new(), said: Vec::new() }.run());
        Self { jobs }
    }

    pub(super) async fn begin(&self) -> Result<SqliteTransaction, StoreError> {
        let (reply, opened) = oneshot::channel();
        self.jobs.send(Job::Begin(reply)).map_err(|_| gone())?;
        opened.await.map_err(|_| gone())
    }

    pub(super) async fn execute(&self, sql: String) -> Result<(), StoreError> {
        let (reply, done) = oneshot::channel();
        self.jobs.send(Job::Execute(sql, reply)).map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writing thread has ended".to_owned())
}

/// A transaction that waits in the writer for its next command.
pub(super) struct SqliteTransaction {
    commands: mpsc::Sender<Command>,
}

impl Transaction for SqliteTransaction {
    fn run(&mut self, statement: &'static Statement, params: Vec<Value>) -> Pending<'_, Vec<Row>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(Command::Run(statement, params, reply));
        Box::pin(async move {
            sent.map_err(|_| timed_out())?;
            answer.await.map_err(|_| timed_out())?
        })
    }

    fn notify(&mut self, notice: String) -> Pending<'_, ()> {
        let sent = self.commands.send(Command::Notify(notice)).map_err(|_| timed_out());
        Box::pin(async move { sent })
    }

    fn commit(self: Box<Self>) -> Pending<'static, ()> {
        let (reply, done) = oneshot::channel();
        let sent = self.commands.send(Command::Commit(reply));
        Box::pin(async move {
            sent.map_err(|_| timed_out())?;
            done.await.map_err(|_| timed_out())?
        })
    }
}

fn timed_out() -> StoreError {
    StoreError::Unavailable("the transaction was rolled back: it held the writer too long".to_owned())
}

struct Loop {
    connection: Connection,
    queue: mpsc::Receiver<Job>,
    notices: broadcast::Sender<String>,
    /// Who waits for the group's commit.
    acks: Vec<Reply<()>>,
    /// What the group's transactions want told.
    said: Vec<String>,
}

impl Loop {
    fn run(mut self) {
        while let Ok(job) = self.queue.recv() {
            let begun = match job {
                Job::Begin(begun) => begun,
                Job::Execute(sql, reply) => {
                    let _ = reply.send(self.connection.execute_batch(&sql).map_err(unavailable));
                    continue;
                }
            };
            if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
                tracing::error!(%error, "the database can't be written");
                continue; // Dropping `begun` tells the caller.
            }
            let mut after = None;
            self.serve(begun);
            while self.acks.len() < GROUP {
                match self.queue.try_recv() {
                    Ok(Job::Begin(begun)) => self.serve(begun),
                    Ok(other) => {
                        after = Some(other);
                        break;
                    }
                    Err(_) => break,
                }
            }
            self.commit_group();
            if let Some(Job::Execute(sql, reply)) = after {
                let _ = reply.send(self.connection.execute_batch(&sql).map_err(unavailable));
            }
            self.checkpoint();
        }
    }

    /// One transaction, from its begin to its commit or drop.
    fn serve(&mut self, begun: oneshot::Sender<SqliteTransaction>) {
        let (commands, incoming) = mpsc::channel();
        if begun.send(SqliteTransaction { commands }).is_err() {
            return;
        }
        // The savepoint is opened with the first write: a transaction that only asks costs nothing.
        let mut open = false;
        let mut failed = false;
        let mut said = Vec::new();
        loop {
            match incoming.recv_timeout(PATIENCE) {
                Ok(Command::Run(statement, params, reply)) => {
                    let answer = if failed {
                        Err(StoreError::Statement {
                            statement: statement.name,
                            cause: "the transaction has failed before".to_owned(),
                        })
                    } else {
                        if !open {
                            open = self.savepoint("SAVEPOINT one");
                        }
                        bind::run(&self.connection, statement, params)
                    };
                    failed |= answer.is_err();
                    let _ = reply.send(answer);
                }
                Ok(Command::Notify(notice)) => said.push(notice),
                Ok(Command::Commit(reply)) if !failed => {
                    if open {
                        self.savepoint("RELEASE one");
                    }
                    self.said.append(&mut said);
                    self.acks.push(reply);
                    return;
                }
                // A commit after a failure, a drop, or silence.
                Ok(Command::Commit(_)) | Err(_) => {
                    if open {
                        self.savepoint("ROLLBACK TO one");
                        self.savepoint("RELEASE one");
                    }
                    return;
                }
            }
        }
    }

    fn savepoint(&self, sql: &'static str) -> bool {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        if let Err(error) = &done {
            tracing::error!(%error, sql, "savepoint");
        }
        done.is_ok()
    }

    fn commit_group(&mut self) {
        let done = self.connection.execute_batch("COMMIT");
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        for ack in self.acks.drain(..) {
            let _ = ack.send(match &done {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            });
        }
        for notice in self.said.drain(..) {
            if done.is_ok() {
                // No listener is no error.
                let _ = self.notices.send(notice);
            }
        }
    }

    /// Writes the WAL back when it has grown. PASSIVE waits for nobody; the WAL starts again from its beginning once all of it
    /// is written back and no reader is inside it.
    fn checkpoint(&self) {
        let pages: rusqlite::Result<i64> =
            self.connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1));
        if pages.is_ok_and(|pages| pages >= CHECKPOINT_PAGES)
            && let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "checkpoint");
        }
    }
}
