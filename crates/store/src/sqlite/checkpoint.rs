//! When the WAL is written back to the database.
//!
//! Writing back is as much work as the commits were. Done by the writer it would hold up everybody for a third of a second
//! each time; so a thread of its own does nearly all of it beside the writer. Only the end is the writer's: the WAL begins
//! again at its start when all of it is written back and nobody adds to it meanwhile.

use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// Lengths of the WAL, in pages of 4 KiB.
#[derive(Clone, Copy)]
struct Limits {
    /// So many pages wait until the thread is sent to write them back.
    behind: i64,
    /// With so many the WAL shall begin again: a longer one makes every reader search longer.
    long: i64,
    /// With so many it must, even if the thread has not kept up: the disk is not endless.
    too_long: i64,
}

const LIMITS: Limits = Limits { behind: 2_048, long: 16_384, too_long: 131_072 };
/// How long the writer waits for readers that are inside the WAL, before it goes on and tries again later.
const WAIT: Duration = Duration::from_millis(50);
/// So many pages later.
const LATER: i64 = 4_096;
/// How long a connection waits for a lock otherwise.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// The writer's side.
pub(super) struct Checkpoints {
    wake: mpsc::SyncSender<()>,
    /// Held by whoever writes back: SQLite lets only one do it.
    turn: Arc<Mutex<()>>,
    limits: Limits,
    try_again_at: i64,
}

impl Checkpoints {
    /// Starts the thread; it ends when the writer does.
    pub(super) fn start(connection: Connection) -> Self {
        Self::with(connection, LIMITS)
    }

    fn with(connection: Connection, limits: Limits) -> Self {
        let (wake, woken) = mpsc::sync_channel(1);
        let turn = Arc::new(Mutex::new(()));
        let turns = Arc::clone(&turn);
        thread::spawn(move || {
            while woken.recv().is_ok() {
                let _turn = turns.lock().unwrap_or_else(PoisonError::into_inner);
                // PASSIVE waits for nobody.
                if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
                    tracing::warn!(%error, "checkpoint");
                }
            }
        });
        Self { wake, turn, limits, try_again_at: 0 }
    }

    /// What is due after a group, outside any transaction.
    pub(super) fn after_group(&mut self, connection: &Connection) {
        let Ok((pages, behind)) = length(connection) else { return };
        let Limits { behind: most, long, too_long } = self.limits;
        let turn = Arc::clone(&self.turn);
        if pages >= too_long {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.begin_again(connection, pages);
        } else if pages >= long
            && pages >= self.try_again_at
            && behind < most
            && let Ok(_turn) = turn.try_lock()
        {
            self.begin_again(connection, pages);
        } else if behind >= most {
            // One that is sent already is enough.
            let _ = self.wake.try_send(());
        }
    }

    fn begin_again(&mut self, connection: &Connection, pages: i64) {
        let done = connection
            .busy_timeout(WAIT)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get::<_, bool>(0)));
        let refused = match done {
            Ok(busy) => busy,
            Err(error) => {
                tracing::warn!(%error, "checkpoint");
                true
            }
        };
        self.try_again_at = if refused { pages + LATER } else { 0 };
        if let Err(error) = connection.busy_timeout(BUSY) {
            tracing::warn!(%error, "busy timeout");
        }
    }
}

/// Pages in the WAL, and how many of them are not written back.
fn length(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let mut asked = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    let (pages, done): (i64, i64) = asked.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok((pages, pages - done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wal_begins_again_although_somebody_always_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let open = || {
            let connection = Connection::open(&path).unwrap();
            connection
                .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0")
                .unwrap();
            connection
        };
        let connection = open();
        connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)").unwrap();
        let limits = Limits { behind: 100, long: 400, too_long: 2_000 };
        let mut checkpoints = Checkpoints::with(open(), limits);
        let mut lengths = Vec::new();
        for _ in 0..300 {
            // Some fifty pages each: fifteen thousand in all.
            connection
                .execute_batch(
                    "INSERT INTO t (b) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
                     SELECT zeroblob(8000) FROM n",
                )
                .unwrap();
            checkpoints.after_group(&connection);
            lengths.push(length(&connection).unwrap().0);
        }
        assert!(lengths.iter().any(|pages| *pages >= limits.long), "{lengths:?}");
        assert!(lengths.iter().all(|pages| *pages < limits.too_long + 200), "{lengths:?}");
        assert!(lengths.windows(2).any(|two| two[1] < two[0]), "{lengths:?}");
    }

    #[test]
    fn a_reader_inside_the_wal_delays_its_new_beginning_and_no_writer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let limits = Limits { behind: 1_000, long: 1, too_long: 1_000 };
        let mut checkpoints = Checkpoints::with(Connection::open(&path).unwrap(), limits);
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        checkpoints.after_group(&connection);
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        let (pages, _) = length(&connection).unwrap();
        assert!(pages >= 2 && checkpoints.try_again_at == pages - 1 + LATER, "{pages} {}", checkpoints.try_again_at);
        reader.execute_batch("COMMIT").unwrap();
        checkpoints.try_again_at = 0;
        checkpoints.after_group(&connection);
        connection.execute_batch("INSERT INTO t VALUES (3)").unwrap();
        assert!(length(&connection).unwrap().0 < pages);
    }
}
