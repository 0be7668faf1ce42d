//! The one writer: it takes transactions one after the other and makes them durable together.
//!
//! An fsync costs about as much as eighty logins. So the writer opens one SQLite transaction for as many of ours as wait,
//! each inside its own savepoint (one failure spoils no other), commits once, and only then acknowledges all of them. There
//! is no timer: with one waiting it is a group of one, and under load groups grow by themselves.

use super::{bind, checkpoint::Checkpoints, statistics, unavailable};
use crate::engine::{GAP, Pending, Played, Row, Script, Statement, StoreError, Transaction, Value};
use rusqlite::{Connection, ErrorCode};
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};
use tokio::sync::{broadcast, oneshot};

/// At most so many transactions in a group: bounds what one commit holds back.
const GROUP: usize = 512;

/// How long a change by another process may go unnoticed.
const LOOK: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Execute(String, Reply<()>),
    Write(Write),
}

/// A transaction that wants to be in a group.
enum Write {
    /// Statement by statement, as its owner thinks of them.
    Begin(Reply<SqliteTransaction>),
    /// All of it at once.
    Play(Script, Reply<Played>),
}

impl Write {
    fn refuse(self, error: StoreError) {
        match self {
            Self::Begin(reply) => drop(reply.send(Err(error))),
            Self::Play(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Who waits for a group's commit.
enum Ack {
    Commit(Reply<()>),
    Played(Reply<Played>, Vec<Vec<Row>>),
}

impl Ack {
    fn tell(self, done: Result<(), StoreError>) {
        match self {
            Self::Commit(reply) => drop(reply.send(done)),
            Self::Played(reply, answers) => drop(reply.send(done.map(|()| Played::Committed(answers)))),
        }
    }
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
    /// Starts the thread. A transaction that says nothing for `patience` is rolled back: nobody may hold the writer.
    pub(super) fn start(
        connection: Connection,
        notices: broadcast::Sender<String>,
        patience: Duration,
        checkpoints: Checkpoints,
    ) -> Self {
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || {
            let (data_version, acks, said) = (None, Vec::new(), Vec::new());
            Loop { connection, queue, notices, patience, checkpoints, data_version, acks, said }.run();
        });
        Self { jobs }
    }

    pub(super) async fn begin(&self) -> Result<SqliteTransaction, StoreError> {
        let (reply, opened) = oneshot::channel();
        self.jobs.send(Job::Write(Write::Begin(reply))).map_err(|_| gone())?;
        opened.await.map_err(|_| gone())?
    }

    pub(super) async fn play(&self, script: Script) -> Result<Played, StoreError> {
        let (reply, played) = oneshot::channel();
        self.jobs.send(Job::Write(Write::Play(script, reply))).map_err(|_| gone())?;
        played.await.map_err(|_| gone())?
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

fn lost() -> StoreError {
    StoreError::Unavailable("the database has rolled the transaction back".to_owned())
}

struct Loop {
    connection: Connection,
    queue: mpsc::Receiver<Job>,
    notices: broadcast::Sender<String>,
    patience: Duration,
    checkpoints: Checkpoints,
    /// Changes when somebody else than this connection has committed.
    data_version: Option<i64>,
    /// Who waits for the group's commit.
    acks: Vec<Ack>,
    /// What the group's transactions want told.
    said: Vec<String>,
}

impl Loop {
    fn run(mut self) {
        self.look_for_others();
        loop {
            let job = match self.queue.recv_timeout(LOOK) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.look_for_others();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match job {
                Job::Execute(sql, reply) => self.execute(&sql, reply),
                Job::Write(first) => {
                    if let Some((sql, reply)) = self.group(first) {
                        self.execute(&sql, reply);
                    }
                    self.checkpoints.after_group(&self.connection);
                }
            }
        }
    }

    fn execute(&self, sql: &str, reply: Reply<()>) {
        let batch = self.connection.execute_batch(sql).and_then(|()| self.write_statistics());
        let done = batch.map_err(|error| bind::failure("batch", &error));
        // A batch that failed after its BEGIN must not leave the writer inside a transaction.
        if done.is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let _ = reply.send(done);
    }

    /// The batch before this is durable, so nobody will run it again: the figures must not fail because other nodes make theirs.
    fn write_statistics(&self) -> rusqlite::Result<()> {
        for _ in 0..12 {
            match statistics::write(&self.connection) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
                done => return done,
            }
        }
        statistics::write(&self.connection)
    }

    /// Serves the first transaction and all that wait behind it, and commits them together. Gives back a batch that waits.
    fn group(&mut self, first: Write) -> Option<(String, Reply<()>)> {
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            tracing::error!(%error, "the database can't be written");
            self.refuse(first, &error);
            return None;
        }
        self.look_for_others();
        self.serve(first);
        let mut waiting = None;
        for _ in 1..GROUP {
            if self.lost() {
                break;
            }
            match self.queue.try_recv() {
                Ok(Job::Write(next)) => self.serve(next),
                Ok(Job::Execute(sql, reply)) => {
                    waiting = Some((sql, reply));
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit_group();
        waiting
    }

    /// Another process (the command line beside a server) changes the database without a notice. Here it is noticed, and whoever keeps
    /// something reads it anew.
    fn look_for_others(&mut self) {
        let version = |connection: &Connection| {
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get::<_, i64>(0))
        };
        let Ok(now) = version(&self.connection) else { return };
        if self.data_version.replace(now).is_some_and(|before| before != now) {
            let _ = self.notices.send(GAP.to_owned());
        }
    }

    /// Tells everybody who waits: the lock was waited for once, not once for each of them.
    fn refuse(&self, first: Write, error: &rusqlite::Error) {
        let answer = || StoreError::Unavailable(error.to_string());
        first.refuse(answer());
        while let Ok(job) = self.queue.try_recv() {
            match job {
                Job::Write(next) => next.refuse(answer()),
                Job::Execute(_, reply) => drop(reply.send(Err(answer()))),
            }
        }
    }

    /// Whether SQLite has rolled the whole group back by itself, as it does when the disk is full or fails.
    fn lost(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// One transaction of the group.
    fn serve(&mut self, write: Write) {
        match write {
            Write::Begin(begun) => self.attend(begun),
            // Who has gone away can't be told what became of it.
            Write::Play(_, reply) if reply.is_closed() => {}
            Write::Play(script, reply) => match self.play(script) {
                Ok(Played::Committed(answers)) => self.acks.push(Ack::Played(reply, answers)),
                ended => drop(reply.send(ended)),
            },
        }
    }

    /// One that is known as a whole. What it did is part of the group, or undone.
    fn play(&mut self, script: Script) -> Result<Played, StoreError> {
        let (mut open, mut answers) = (false, Vec::with_capacity(script.steps.len()));
        for (place, step) in script.steps.into_iter().enumerate() {
            if !step.runs(&answers) {
                answers.push(Vec::new());
                continue;
            }
            let (statement, params) = step.call;
            match self.step(&mut open, statement, params) {
                Ok(rows) if step.required && rows.is_empty() => {
                    self.roll_back(open);
                    return Ok(Played::RolledBack(place));
                }
                Ok(rows) => answers.push(rows),
                Err(error) => {
                    self.roll_back(open);
                    return Err(error);
                }
            }
        }
        if let Err(error) = self.release(open, false) {
            self.roll_back(open);
            return Err(error);
        }
        self.said.extend(Script::due(script.notices, &answers));
        Ok(Played::Committed(answers))
    }

    /// One that says what it wants as it goes, from its begin to its commit or drop.
    fn attend(&mut self, begun: Reply<SqliteTransaction>) {
        let (commands, incoming) = mpsc::channel();
        if begun.send(Ok(SqliteTransaction { commands })).is_err() {
            return;
        }
        // The savepoint is opened with the first statement: a transaction that is dropped at once costs nothing.
        let mut open = false;
        let mut failed = false;
        let mut said = Vec::new();
        loop {
            match incoming.recv_timeout(self.patience) {
                Ok(Command::Run(statement, params, reply)) => {
                    let answer = if failed {
                        Err(StoreError::Statement {
                            statement: statement.name,
                            cause: "the transaction has failed before".to_owned(),
                        })
                    } else {
                        self.step(&mut open, statement, params)
                    };
                    failed |= answer.is_err();
                    let _ = reply.send(answer);
                }
                Ok(Command::Notify(notice)) => said.push(notice),
                Ok(Command::Commit(reply)) => {
                    if let Err(error) = self.release(open, failed) {
                        self.roll_back(open);
                        let _ = reply.send(Err(error));
                    } else {
                        self.said.append(&mut said);
                        self.acks.push(Ack::Commit(reply));
                    }
                    return;
                }
                Err(ended) => {
                    if ended == RecvTimeoutError::Timeout {
                        tracing::warn!("a transaction that had gone silent was rolled back");
                    }
                    self.roll_back(open);
                    return;
                }
            }
        }
    }

    fn step(&self, open: &mut bool, statement: &'static Statement, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        if self.lost() {
            return Err(lost());
        }
        if !*open {
            self.savepoint("SAVEPOINT one")?;
            *open = true;
        }
        bind::run(&self.connection, statement, params)
    }

    /// Makes what one transaction did part of the group.
    fn release(&self, open: bool, failed: bool) -> Result<(), StoreError> {
        if failed {
            return Err(StoreError::Unavailable("the transaction had failed".to_owned()));
        }
        if self.lost() {
            return Err(lost());
        }
        if open { self.savepoint("RELEASE one") } else { Ok(()) }
    }

    fn roll_back(&self, open: bool) {
        if open
            && !self.lost()
            && self.savepoint("ROLLBACK TO one").and_then(|()| self.savepoint("RELEASE one")).is_err()
        {
            // What must not stay can't be taken out alone: the whole group goes.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn savepoint(&self, sql: &'static str) -> Result<(), StoreError> {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| {
            tracing::error!(%error, sql, "savepoint");
            unavailable(error)
        })
    }

    fn commit_group(&mut self) {
        let done = if self.lost() { Err(lost()) } else { self.connection.execute_batch("COMMIT").map_err(unavailable) };
        if done.is_err() && !self.lost() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        for ack in self.acks.drain(..) {
            ack.tell(match &done {
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
}
