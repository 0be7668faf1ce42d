//! A SQLite database as a file: copied while another process serves from it, checked, and taken out of use.

use crate::engine::StoreError;
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{path::Path, time::Duration};

/// What a database file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The schema's version.
    pub schema: usize,
    /// The root keys that its tenants' keys are wrapped by.
    pub roots: Vec<String>,
    /// How many tenants it has.
    pub tenants: u64,
    /// What SQLite finds wrong with it; empty for a sound file.
    pub damage: Vec<String>,
}

/// Findings that are read of a damaged file.
const MOST_FINDINGS: usize = 10;

fn failed(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    // Not read-only: a database in WAL mode has a file of locks to write. And never made by mistake.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(&error))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| failed(&error))?;
    Ok(connection)
}

/// Writes a consistent copy of `from` to `to`, which must not be there, while others read and write it. Blocks.
///
/// What was committed before the call is in the copy.
pub fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    if to.exists() {
        return Err(StoreError::Duplicate);
    }
    let copied = (|| {
        let from = open(from)?;
        let mut to = Connection::open(to).map_err(|error| failed(&error))?;
        let mut run = || {
            // In one step, inside one snapshot: a copy in several steps begins anew whenever somebody commits between two of them, and
            // so would never end under load. A snapshot holds up nobody.
            Backup::new(&from, &mut to)?.step(-1)?;
            to.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL")
        };
        run().map_err(|error| failed(&error))
    })();
    if copied.is_err() {
        let _ = std::fs::remove_file(to);
    }
    copied
}

/// Reads the whole file and says what is in it. Blocks, for minutes where it is large.
pub fn examine(path: &Path) -> Result<Content, StoreError> {
    let connection = open(path)?;
    let read = || -> Result<Content, rusqlite::Error> {
        let damage = texts(&connection, &format!("PRAGMA integrity_check({MOST_FINDINGS})"))?;
        let schema: i64 =
            connection.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], |row| row.get(0))?;
        let tenants: i64 = connection.query_row("SELECT COUNT(*) FROM tenant", [], |row| row.get(0))?;
        Ok(Content {
            schema: usize::try_from(schema).unwrap_or(usize::MAX),
            roots: texts(&connection, "SELECT DISTINCT root FROM tenant_key ORDER BY root")?,
            tenants: u64::try_from(tenants).unwrap_or(0),
            damage: damage.into_iter().filter(|line| line != "ok").collect(),
        })
    };
    read().map_err(|error| failed(&error))
}

fn texts(connection: &Connection, sql: &str) -> Result<Vec<String>, rusqlite::Error> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Whether somebody may write: takes the writer's place and gives it back. Waits for others up to five seconds.
pub fn is_writable(path: &Path) -> Result<(), StoreError> {
    let connection = open(path)?;
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(|error| failed(&error))
}

/// Makes one file of the database, without a log beside it, if nobody else has it open. [`StoreError::Unavailable`] if somebody has.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    let connection = open(path)?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .map_err(|_| StoreError::Unavailable("another process has the database open".to_owned()))?;
    if mode.eq_ignore_ascii_case("delete") {
        Ok(())
    } else {
        Err(StoreError::Unavailable("another process has the database open".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
        CREATE TABLE schema_version (version); INSERT INTO schema_version VALUES (3);
        CREATE TABLE tenant (id); INSERT INTO tenant VALUES (1);
        CREATE TABLE tenant_key (root); INSERT INTO tenant_key VALUES ('file:b'), ('file:a'), ('file:a');
        CREATE TABLE t (n, filler);";

    #[test]
    fn a_copy_ends_while_somebody_writes_without_pause_and_has_all_that_was_committed_before_it_began() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
        let writer = Connection::open(&from).unwrap();
        writer.execute_batch(SCHEMA).unwrap();
        let (written, stop) = (&AtomicI64::new(0), &AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 1.. {
                    writer.execute("INSERT INTO t VALUES (?1, zeroblob(20000))", [n]).unwrap();
                    written.store(n, Ordering::Release);
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                }
            });
            while written.load(Ordering::Acquire) < 1000 {
                std::thread::yield_now();
            }
            let before = written.load(Ordering::Acquire);
            copy(&from, &to).unwrap();
            let copied: i64 =
                Connection::open(&to).unwrap().query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).unwrap();
            assert!(copied >= before, "{copied} of {before}");
            stop.store(true, Ordering::Release);
        });
        let content = examine(&to).unwrap();
        assert_eq!((content.schema, content.tenants, content.damage.len()), (3, 1, 0));
        assert_eq!(content.roots, ["file:a", "file:b"]);
        assert!(matches!(copy(&from, &to), Err(StoreError::Duplicate)), "it took the place of a file");
    }

    #[test]
    fn a_database_that_somebody_has_open_is_not_taken_out_of_use() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch(SCHEMA).unwrap();
        assert!(settle(&path).is_err());
        drop(other);
        settle(&path).unwrap();
        assert!(!directory.path().join("s.db-wal").exists());
        assert!(copy(&directory.path().join("none.db"), &directory.path().join("to.db")).is_err());
        assert!(!directory.path().join("none.db").exists() && !directory.path().join("to.db").exists());
    }

    #[test]
    fn a_damaged_file_is_found_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch(SCHEMA).unwrap();
        for n in 0..200 {
            writer.execute("INSERT INTO t VALUES (?1, zeroblob(500))", [n]).unwrap();
        }
        drop(writer);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x55);
        std::fs::write(&path, bytes).unwrap();
        assert!(examine(&path).map_or(true, |content| !content.damage.is_empty()));
    }
}
