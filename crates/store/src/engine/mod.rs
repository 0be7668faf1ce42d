//! What the store asks of a database, and nothing more.
//!
//! To add an engine: implement [`Engine`] and [`Transaction`], and name it in [`crate::open`]. The statement test, the
//! race tests and the crash tests then run on it.

mod script;
mod statement;
mod value;

pub use script::{Played, Script, Step};
pub use statement::Statement;
pub(crate) use statement::as_sqlite_compares;
pub use value::{Columns, Row, Take, Type, Value};

use std::{future::Future, path::Path, pin::Pin};

/// A future in a box: engines are chosen at run time.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The notice that an engine gives itself when others may have been lost: whoever keeps something must read it anew.
pub const GAP: &str = "gap";

/// Why the store didn't do what was asked. It never holds a row's content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, is shutting down, or took too long. Trying again may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A unique key exists already.
    #[error("a row with this key exists")]
    Duplicate,
    /// The statement failed.
    #[error("statement {statement} failed: {cause}")]
    Statement {
        /// Its name.
        statement: &'static str,
        /// The engine's words, which quote no parameters.
        cause: String,
    },
    /// A column held something else than the code expects.
    #[error("column {place} is not a {wanted}")]
    Column {
        /// From 0.
        place: usize,
        /// A Rust type.
        wanted: &'static str,
    },
    /// A stored value could not be understood or decrypted.
    #[error("stored {0} is damaged")]
    Damaged(&'static str),
    /// The schema is newer than this program, or a migration failed.
    #[error("migration: {0}")]
    Migration(String),
    /// The key ring refused.
    #[error(transparent)]
    Key(#[from] keys::KeyError),
}

/// A statement with its parameters: `n × width` values for `n` rows.
pub type Call = (&'static Statement, Vec<Value>);

/// A database.
pub trait Engine: Send + Sync {
    /// `sqlite` or `postgres`, for logs and metrics.
    fn name(&self) -> &'static str;

    /// Runs reading statements, each over its rows of parameters, and gives each one's rows. No transaction: what another
    /// writes between two of them can be seen by the second only.
    fn read(&self, calls: Vec<Call>) -> Pending<'_, Vec<Vec<Row>>>;

    /// Opens a writing transaction.
    fn begin(&self) -> Pending<'_, Box<dyn Transaction>>;

    /// Runs a transaction whose statements are all known: the same as [`begin`](Self::begin), each of them, and a commit.
    fn play(&self, script: Script) -> Pending<'_, Played> {
        Box::pin(async move { script::play(self.begin().await?, script).await })
    }

    /// Hears every notice that a committed transaction gave, on any node.
    fn notices(&self) -> tokio::sync::broadcast::Receiver<String>;

    /// Writes a consistent copy to `path` while serving. Engines with their own backup tools say so instead.
    fn backup<'a>(&'a self, path: &'a Path) -> Pending<'a, ()>;

    /// The query plan of a statement, one line a step, for the tests that refuse scans.
    fn plan(&self, statement: &'static Statement) -> Pending<'_, Vec<String>>;

    /// Runs DDL; for migrations. A batch that opens a transaction and fails is rolled back.
    fn execute(&self, sql: String) -> Pending<'_, ()>;
}

/// An open transaction. It is used in order and committed; dropping it rolls back.
pub trait Transaction: Send {
    /// Runs a statement over `n` rows of parameters and gives the rows of all answers. After an error only dropping is left.
    fn run(&mut self, statement: &'static Statement, params: Vec<Value>) -> Pending<'_, Vec<Row>>;

    /// Tells every node, when and if the transaction commits. At most 200 bytes of no secret.
    fn notify(&mut self, notice: String) -> Pending<'_, ()>;

    /// Makes it durable: when this returns, the writes survive the loss of the process and of power.
    fn commit(self: Box<Self>) -> Pending<'static, ()>;
}
