//! An engine that counts what is asked of another.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use store::engine::{Call, Engine, Pending, Row, Statement, StoreError, Transaction, Value};

/// What was asked so far.
#[derive(Default)]
pub(crate) struct Counts {
    /// Statements, a set of many rows as one.
    pub(crate) sets: AtomicU64,
    /// Statements as SQLite runs them, once for each row of parameters.
    pub(crate) runs: AtomicU64,
    /// Rows that came back.
    pub(crate) rows: AtomicU64,
}

/// A reading of [`Counts`].
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) sets: u64,
    pub(crate) runs: u64,
    pub(crate) rows: u64,
}

impl Counts {
    fn asked(&self, statement: &Statement, params: &[Value]) {
        let runs = params.len().checked_div(statement.params.len()).unwrap_or(1);
        self.sets.fetch_add(1, Ordering::Relaxed);
        self.runs.fetch_add(runs as u64, Ordering::Relaxed);
    }

    fn answered(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// The counts now.
    pub(crate) fn read(&self) -> Reading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reading { sets: of(&self.sets), runs: of(&self.runs), rows: of(&self.rows) }
    }
}

/// Passes everything on to `inner` and counts it.
pub(crate) struct Counting {
    pub(crate) inner: Arc<dyn Engine>,
    pub(crate) counts: Arc<Counts>,
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn read(&self, calls: Vec<Call>) -> Pending<'_, Vec<Vec<Row>>> {
        for (statement, params) in &calls {
            self.counts.asked(statement, params);
        }
        Box::pin(async move {
            let answers = self.inner.read(calls).await?;
            self.counts.answered(answers.iter().map(Vec::len).sum());
            Ok(answers)
        })
    }

    fn begin(&self) -> Pending<'_, Box<dyn Transaction>> {
        Box::pin(async move {
            let inner = self.inner.begin().await?;
            Ok(Box::new(CountingTransaction { inner, counts: Arc::clone(&self.counts) }) as Box<dyn Transaction>)
        })
    }

    fn notices(&self) -> tokio::sync::broadcast::Receiver<String> {
        self.inner.notices()
    }

    fn backup<'a>(&'a self, path: &'a Path) -> Pending<'a, ()> {
        self.inner.backup(path)
    }

    fn plan(&self, statement: &'static Statement) -> Pending<'_, Vec<String>> {
        self.inner.plan(statement)
    }

    fn execute(&self, sql: String) -> Pending<'_, ()> {
        self.inner.execute(sql)
    }
}

struct CountingTransaction {
    inner: Box<dyn Transaction>,
    counts: Arc<Counts>,
}

impl Transaction for CountingTransaction {
    fn run(&mut self, statement: &'static Statement, params: Vec<Value>) -> Pending<'_, Vec<Row>> {
        self.counts.asked(statement, &params);
        Box::pin(async move {
            let rows: Result<Vec<Row>, StoreError> = self.inner.run(statement, params).await;
            if let Ok(rows) = &rows {
                self.counts.answered(rows.len());
            }
            rows
        })
    }

    fn notify(&mut self, notice: String) -> Pending<'_, ()> {
        self.inner.notify(notice)
    }

    fn commit(self: Box<Self>) -> Pending<'static, ()> {
        self.inner.commit()
    }
}
