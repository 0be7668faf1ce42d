//! A few connections, each with its prepared statements.

use super::bind;
use crate::engine::{Call, Row, Statement, StoreError, Value};
use futures_util::{StreamExt, stream};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

/// How long a request waits for a free connection before it is told that the database is unavailable.
const WAIT: Duration = Duration::from_secs(5);
/// The largest set that one statement takes; larger ones are cut.
const SET: usize = 64;
/// No statement may hold a connection longer, and none may wait longer for a lock.
const GUARDS: &str = "SET statement_timeout = '15s'; SET lock_timeout = '5s'";

pub(super) struct Pool {
    config: Config,
    patience: Duration,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

struct Connection {
    client: Client,
    prepared: HashMap<(&'static str, usize), tokio_postgres::Statement>,
}

/// A connection for as long as it is held.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl Pool {
    pub(super) fn new(url: &str, connections: usize, patience: Duration) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(unavailable)?;
        config.connect_timeout(Duration::from_secs(5)).application_name("countersign");
        let permits = Arc::new(Semaphore::new(connections.max(1)));
        Ok(Self { config, patience, free: Mutex::new(Vec::new()), permits })
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| unavailable("no connection became free in time"))?
            .map_err(unavailable)?;
        let found = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match found.filter(|found| !found.client.is_closed()) {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease { pool: Arc::clone(self), connection: Some(connection), _permit: permit })
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        let (client, connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a database connection ended");
            }
        });
        let patience = self.patience.as_millis();
        client
            .batch_execute(&format!("{GUARDS}; SET idle_in_transaction_session_timeout = {patience}"))
            .await
            .map_err(unavailable)?;
        Ok(Connection { client, prepared: HashMap::new() })
    }

    /// Listens until the connection ends.
    pub(super) async fn listen(&self, channel: &str, notices: &broadcast::Sender<String>) -> Result<(), StoreError> {
        let (client, mut connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
        let (notices, gap) = (notices.clone(), notices.clone());
        let pump = tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notification(notice)) => {
                        // No listener is no error.
                        let _ = notices.send(notice.payload().to_owned());
                    }
                    Ok(_) => {}
                    Err(error) => return Err(unavailable(error)),
                }
            }
            Ok(())
        });
        client.batch_execute(&format!("LISTEN {channel}")).await.map_err(unavailable)?;
        // What was told before this moment wasn't heard. No listener is no error.
        let _ = gap.send(crate::engine::GAP.to_owned());
        pump.await.map_err(unavailable)?
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !connection.client.is_closed()
        {
            self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Lease {
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or_else(|| unavailable("the connection was given back"))
    }

    /// Throws the connection away.
    pub(super) fn discard(mut self) {
        self.connection = None;
    }

    /// Rolls back in the background; the connection is free again when that is done.
    pub(super) fn roll_back(mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if self.batch("ROLLBACK").await.is_err() {
                    self.discard();
                }
            });
        } else {
            self.discard();
        }
    }

    /// Passes a reading's result on; after an error of the connection itself the connection is not used again.
    pub(super) fn settle<T>(self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(done, Err(StoreError::Unavailable(_))) {
            self.discard();
        }
        done
    }

    /// As [`settle`](Self::settle), after something that any error can leave half done in the session itself.
    pub(super) fn settle_session<T>(self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_err() {
            self.discard();
        }
        done
    }

    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection()?.client.batch_execute(sql).await.map_err(|error| bind::failure("batch", &error))
    }

    pub(super) async fn notify(&mut self, channel: &str, notice: &str) -> Result<(), StoreError> {
        let client = &self.connection()?.client;
        client
            .execute_typed(
                "SELECT pg_notify($1, $2)",
                &[(&channel, tokio_postgres::types::Type::TEXT), (&notice, tokio_postgres::types::Type::TEXT)],
            )
            .await
            .map_err(|error| bind::failure("notify", &error))?;
        Ok(())
    }

    pub(super) async fn run_all(&mut self, calls: Vec<Call>) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut prepared = Vec::with_capacity(calls.len());
        for (statement, params) in calls {
            prepared.push(self.pieces(statement, params).await?);
        }
        let client = &self.connection()?.client;
        // All statements are on the wire before the first answer is awaited.
        futures_util::future::try_join_all(prepared.into_iter().map(|pieces| bind::run(client, pieces))).await
    }

    pub(super) async fn run(
        &mut self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let pieces = self.pieces(statement, params).await?;
        bind::run(&self.connection()?.client, pieces).await
    }

    /// Cuts a set into prepared statements of 64, 32, … 1 rows, so that few texts serve every size.
    async fn pieces(
        &mut self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Vec<bind::Piece>, StoreError> {
        let width = statement.params.len();
        if width == 0 {
            return Ok(vec![bind::Piece::new(statement, self.prepare(statement, 1).await?, params)]);
        }
        let mut left = params.len() / width;
        let largest = if statement.is_set() { SET } else { 1 };
        let mut values = params.into_iter();
        let mut pieces = Vec::new();
        while left > 0 {
            let rows = largest.min(1 << left.ilog2());
            left -= rows;
            let prepared = self.prepare(statement, rows).await?;
            pieces.push(bind::Piece::new(statement, prepared, values.by_ref().take(rows * width).collect()));
        }
        Ok(pieces)
    }

    async fn prepare(
        &mut self,
        statement: &'static Statement,
        rows: usize,
    ) -> Result<tokio_postgres::Statement, StoreError> {
        let connection = self.connection()?;
        if let Some(found) = connection.prepared.get(&(statement.name, rows)) {
            return Ok(found.clone());
        }
        let types: Vec<_> = bind::types(statement).cycle().take(statement.params.len() * rows).collect();
        let prepared = connection
            .client
            .prepare_typed(&statement.for_rows(rows), &types)
            .await
            .map_err(|error| bind::failure(statement.name, &error))?;
        connection.prepared.insert((statement.name, rows), prepared.clone());
        Ok(prepared)
    }

    pub(super) async fn plan(&mut self, statement: &'static Statement) -> Result<Vec<String>, StoreError> {
        // A generic plan, for parameters that nobody knows; empty tables must not make a scan look cheap.
        let types = bind::type_names(statement);
        let nulls = vec!["NULL"; statement.params.len()].join(", ");
        let client = &self.connection()?.client;
        let prepare = format!("PREPARE plan_of {types} AS {}", statement.sql);
        let explain = if nulls.is_empty() {
            "EXPLAIN EXECUTE plan_of".to_owned()
        } else {
            format!("EXPLAIN EXECUTE plan_of ({nulls})")
        };
        client
            .batch_execute(&format!("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; {prepare}"))
            .await
            .map_err(|error| bind::failure(statement.name, &error))?;
        let lines = client.simple_query(&explain).await.map_err(|error| bind::failure(statement.name, &error));
        client
            .batch_execute("DEALLOCATE plan_of; RESET plan_cache_mode; RESET enable_seqscan")
            .await
            .map_err(|error| bind::failure(statement.name, &error))?;
        Ok(lines?
            .into_iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect())
    }
}
