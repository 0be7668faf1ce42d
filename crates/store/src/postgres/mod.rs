//! PostgreSQL, and engines that speak its wire.
//!
//! Few connections, well fed: a batch of logins is one set-based statement, so four connections carry more than four hundred
//! would with a transaction for each login.

mod bind;
mod encryption;
mod pool;

use crate::engine::{Call, Engine, Pending, Row, Statement, StoreError, Transaction, Value};
use pool::{Lease, Pool};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::broadcast;

/// The channel of LISTEN and NOTIFY.
const CHANNEL: &str = "countersign";

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: Arc<Pool>,
    notices: broadcast::Sender<String>,
    listener: tokio::task::JoinHandle<()>,
}

impl Postgres {
    /// Connects to `url` (`postgres://…`) with as many connections as the options say and one more for notices. A transaction that
    /// says nothing for their patience is ended by the server.
    pub(crate) async fn open(url: &str, options: &crate::Options) -> Result<Self, StoreError> {
        let pool = Arc::new(Pool::new(url, options)?);
        pool.lease().await?;
        let (notices, _) = broadcast::channel(4096);
        let listener = tokio::spawn(listen(Arc::clone(&pool), notices.clone()));
        Ok(Self { pool, notices, listener })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Passes notices on, and connects again when the connection is lost. Waiters poll slowly beside it, so a gap delays and
/// loses nothing.
async fn listen(pool: Arc<Pool>, notices: broadcast::Sender<String>) {
    loop {
        if let Err(error) = pool.listen(CHANNEL, &notices).await {
            tracing::warn!(%error, "notices from the database");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn read(&self, calls: Vec<Call>) -> Pending<'_, Vec<Vec<Row>>> {
        Box::pin(async move {
            let mut lease = self.pool.lease().await?;
            let done = lease.run_all(calls).await;
            lease.settle(done)
        })
    }

    fn begin(&self) -> Pending<'_, Box<dyn Transaction>> {
        Box::pin(async {
            let lease = self.pool.lease().await?;
            Ok(Box::new(PostgresTransaction { lease: Some(lease), begun: false, failed: false })
                as Box<dyn Transaction>)
        })
    }

    fn notices(&self) -> broadcast::Receiver<String> {
        self.notices.subscribe()
    }

    fn backup<'a>(&'a self, _: &'a Path) -> Pending<'a, ()> {
        Box::pin(async {
            Err(StoreError::Unavailable(
                "PostgreSQL is backed up by its own tools: pg_dump or pg_basebackup".to_owned(),
            ))
        })
    }

    fn plan(&self, statement: &'static Statement) -> Pending<'_, Vec<String>> {
        Box::pin(async move {
            let mut lease = self.pool.lease().await?;
            let done = lease.plan(statement).await;
            lease.settle_session(done)
        })
    }

    fn execute(&self, sql: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut lease = self.pool.lease().await?;
            let done = lease.batch(&sql).await;
            lease.settle_session(done)
        })
    }
}

struct PostgresTransaction {
    lease: Option<Lease>,
    begun: bool,
    /// PostgreSQL answers COMMIT of a failed transaction with a silent ROLLBACK.
    failed: bool,
}

impl PostgresTransaction {
    async fn lease(&mut self) -> Result<&mut Lease, StoreError> {
        let lease =
            self.lease.as_mut().ok_or_else(|| StoreError::Unavailable("the transaction has ended".to_owned()))?;
        if !self.begun {
            self.begun = true;
            lease.batch("BEGIN").await?;
        }
        Ok(lease)
    }
}

impl Transaction for PostgresTransaction {
    fn run(&mut self, statement: &'static Statement, params: Vec<Value>) -> Pending<'_, Vec<Row>> {
        Box::pin(async move {
            let done = match self.lease().await {
                Ok(lease) => lease.run(statement, params).await,
                Err(error) => Err(error),
            };
            self.failed |= done.is_err();
            done
        })
    }

    fn notify(&mut self, notice: String) -> Pending<'_, ()> {
        Box::pin(async move {
            let done = match self.lease().await {
                Ok(lease) => lease.notify(CHANNEL, &notice).await,
                Err(error) => Err(error),
            };
            self.failed |= done.is_err();
            done
        })
    }

    fn commit(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            if self.failed {
                return Err(StoreError::Unavailable("the transaction had failed".to_owned()));
            }
            if !self.begun {
                return Ok(());
            }
            let done = self.lease().await?.batch("COMMIT").await;
            // Whatever COMMIT said, there is nothing left to roll back; a broken connection is thrown away by the pool.
            match (done, self.lease.take()) {
                (Ok(()), _) => Ok(()),
                (Err(error), lease) => {
                    if let Some(lease) = lease {
                        lease.discard();
                    }
                    Err(error)
                }
            }
        })
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.begun
        {
            lease.roll_back();
        }
    }
}
