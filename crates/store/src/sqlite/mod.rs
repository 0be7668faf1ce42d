//! The embedded engine: SQLite in WAL mode, one writer that commits groups, readers beside it.

mod bind;
mod checkpoint;
pub mod file;
mod reader;
mod statistics;
mod writer;

use crate::engine::{
    Call, Engine, Pending, Played, Row, Script, Statement, StoreError, Transaction, as_sqlite_compares,
};
use rusqlite::{Connection, ErrorCode};
use std::path::{Path, PathBuf};
use tokio::sync::broadcast;

/// An open SQLite database.
pub(crate) struct Sqlite {
    path: PathBuf,
    writer: writer::Writer,
    readers: reader::Readers,
    notices: broadcast::Sender<String>,
}

/// How much is taken for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Reading threads.
    pub(crate) readers: usize,
    /// Page cache of each connection, KiB.
    pub(crate) cache_kib: usize,
    /// How long a transaction may say nothing.
    pub(crate) patience: std::time::Duration,
}

impl Sqlite {
    /// Opens or creates the database at `path`.
    pub(crate) fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        let (notices, _) = broadcast::channel(4096);
        let checkpoints = checkpoint::Checkpoints::start(connect(path, options)?);
        let writer = writer::Writer::start(connect(path, options)?, notices.clone(), options.patience, checkpoints);
        let readers = (0..options.readers.max(1)).map(|_| connect(path, options)).collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), writer, readers: reader::Readers::start(readers), notices })
    }
}

/// SQLite waits for no lock while a new database changes to a WAL: of several that open it at once, all but one are refused at once. So
/// it is tried for five seconds.
const WAL_TRIES: usize = 500;
const WAL_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

fn connect(path: &Path, options: Options) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(unavailable)?;
    connection.busy_timeout(checkpoint::BUSY).map_err(unavailable)?;
    for _ in 1..WAL_TRIES {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => std::thread::sleep(WAL_PAUSE),
            // Any other error comes again below.
            _ => break,
        }
    }
    // FULL: a commit is on the disk before it is acknowledged. When the WAL is written back is decided in `checkpoint`.
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -{};
             PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;",
            options.cache_kib
        ))
        .map_err(unavailable)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn read(&self, calls: Vec<Call>) -> Pending<'_, Vec<Vec<Row>>> {
        Box::pin(self.readers.read(calls))
    }

    fn play(&self, script: Script) -> Pending<'_, Played> {
        Box::pin(self.writer.play(script))
    }

    fn begin(&self) -> Pending<'_, Box<dyn Transaction>> {
        Box::pin(async { Ok(Box::new(self.writer.begin().await?) as Box<dyn Transaction>) })
    }

    fn notices(&self) -> broadcast::Receiver<String> {
        self.notices.subscribe()
    }

    fn backup<'a>(&'a self, path: &'a Path) -> Pending<'a, ()> {
        let (from, to) = (self.path.clone(), path.to_owned());
        Box::pin(async move {
            let copied = tokio::task::spawn_blocking(move || file::copy(&from, &to));
            copied.await.map_err(|e| StoreError::Unavailable(e.to_string()))?
        })
    }

    fn plan(&self, statement: &'static Statement) -> Pending<'_, Vec<String>> {
        Box::pin(self.readers.run(move |connection| {
            // A statement that runs notices a changed schema; an explanation alone would use the old one.
            connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(())).map_err(unavailable)?;
            let mut plan =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.for_sqlite())).map_err(unavailable)?;
            // Nothing is bound: a plan doesn't depend on values.
            let mut rows = plan.raw_query();
            let mut lines = Vec::new();
            while let Some(row) = rows.next().map_err(unavailable)? {
                lines.push(row.get(3).map_err(unavailable)?);
            }
            Ok(lines)
        }))
    }

    fn execute(&self, sql: String) -> Pending<'_, ()> {
        // A table whose rows are found by its primary key only is kept in the order of that key: one tree, not two.
        let sql = as_sqlite_compares(&sql.replace("/* clustered */", "WITHOUT ROWID"));
        Box::pin(self.writer.execute(sql))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_opened_by_many_at_once() {
        let options = Options { readers: 1, cache_kib: 64, patience: std::time::Duration::from_secs(5) };
        for _ in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            let path = &directory.path().join("new.db");
            let together = &std::sync::Barrier::new(8);
            let open = || {
                together.wait();
                connect(path, options).map(drop)
            };
            std::thread::scope(|scope| {
                let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for opened in opening {
                    opened.join().unwrap().unwrap();
                }
            });
        }
    }
}
