//! A few connections, each with its prepared statements.

use super::{bind, encryption};
use crate::Options;
use crate::engine::{Call, Row, Statement, StoreError, Value};
use futures_util::{StreamExt, stream};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a request waits for a free connection before it is told that the database is unavailable.
const WAIT: Duration = Duration::from_secs(5);
/// No statement may hold a connection longer, and none may wait longer for a lock.
const GUARDS: &str = "SET statement_timeout = '15s'; SET lock_timeout = '5s'";
/// The server ends what is slow (`GUARDS`); what has said nothing for so long is a connection that nobody answers on any more, though
/// it looks open: a network that swallows everything, a server that stands still.
const SILENCE: Duration = Duration::from_secs(17);
/// The connection for notices carries nothing for hours on end. It is asked for a sign of life so often, or a dead one would be waited
/// on, and what other nodes have changed would go unheard.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// One plan for each statement, kept, and always by the indexes that the plan tests see: left alone, PostgreSQL plans anew for each
/// batch (which costs more than running it), and keeps a plan with scans that it made while the tables were small.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
    SET enable_mergejoin = off";

pub(super) struct Pool {
    config: Config,
    tls: MakeRustlsConnect,
    patience: Duration,
    free: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

struct Connection {
    client: Client,
    prepared: HashMap<&'static str, tokio_postgres::Statement>,
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

/// What the database answers, or that it doesn't.
async fn answer<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(SILENCE, asked).await.unwrap_or_else(|_| Err(unavailable("the database says nothing")))
}

impl Pool {
    pub(super) fn new(url: &str, options: &Options) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(unavailable)?;
        let tls = encryption::connector(&mut config, options.ca_file.as_deref())?;
        config.connect_timeout(Duration::from_secs(5)).application_name("countersign");
        let permits = Arc::new(Semaphore::new(options.connections.max(1)));
        Ok(Self { config, tls, patience: options.patience, free: Mutex::new(Vec::new()), permits })
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| unavailable("no connection became free in time"))?
            .map_err(unavailable)?;
        let found = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match found.filter(|found| !found.client.is_closed()) {
            Some(connection) => connection,
            None => tokio::time::timeout(WAIT, self.connect())
                .await
                .map_err(|_| unavailable("no connection came about in time"))??,
        };
        Ok(Lease { pool: Arc::clone(self), connection: Some(connection), _permit: permit })
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await.map_err(unavailable)?;
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
        // Engines that only speak PostgreSQL's wire have planners of their own and may not know these.
        let _ = client.batch_execute(PLANS).await;
        Ok(Connection { client, prepared: HashMap::new() })
    }

    /// Listens until the connection ends.
    pub(super) async fn listen(&self, channel: &str, notices: &broadcast::Sender<String>) -> Result<(), StoreError> {
        let (client, mut connection) =
            answer(async { self.config.connect(self.tls.clone()).await.map_err(unavailable) }).await?;
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
        let ended = pump.abort_handle();
        let signs = async {
            answer(async { client.batch_execute(&format!("LISTEN {channel}")).await.map_err(unavailable) }).await?;
            // What was told before this moment wasn't heard. No listener is no error.
            let _ = gap.send(crate::engine::GAP.to_owned());
            loop {
                tokio::time::sleep(SIGN_OF_LIFE).await;
                answer(async { client.batch_execute("").await.map_err(unavailable) }).await?;
            }
        };
        tokio::select! {
            done = pump => done.map_err(unavailable)?,
            silent = signs => {
                ended.abort();
                silent
            }
        }
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
        let client = &self.connection()?.client;
        answer(async { client.batch_execute(sql).await.map_err(|error| bind::failure("batch", &error)) }).await
    }

    pub(super) async fn notify(&mut self, channel: &str, notice: &str) -> Result<(), StoreError> {
        let client = &self.connection()?.client;
        let text = tokio_postgres::types::Type::TEXT;
        answer(async {
            client
                .execute_typed("SELECT pg_notify($1, $2)", &[(&channel, text.clone()), (&notice, text)])
                .await
                .map(drop)
                .map_err(|error| bind::failure("notify", &error))
        })
        .await
    }

    pub(super) async fn run_all(&mut self, calls: Vec<Call>) -> Result<Vec<Vec<Row>>, StoreError> {
        answer(self.run_each(calls)).await
    }

    async fn run_each(&mut self, calls: Vec<Call>) -> Result<Vec<Vec<Row>>, StoreError> {
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
        answer(async {
            let pieces = self.pieces(statement, params).await?;
            bind::run(&self.connection()?.client, pieces).await
        })
        .await
    }

    async fn pieces(
        &mut self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Vec<bind::Piece>, StoreError> {
        let prepared = self.prepare(statement).await?;
        Ok(bind::Piece::of(statement, &prepared, params))
    }

    async fn prepare(&mut self, statement: &'static Statement) -> Result<tokio_postgres::Statement, StoreError> {
        let connection = self.connection()?;
        if let Some(found) = connection.prepared.get(statement.name) {
            return Ok(found.clone());
        }
        let prepared = connection
            .client
            .prepare_typed(&statement.over_arrays(), &bind::types(statement))
            .await
            .map_err(|error| bind::failure(statement.name, &error))?;
        connection.prepared.insert(statement.name, prepared.clone());
        Ok(prepared)
    }

    pub(super) async fn plan(&mut self, statement: &'static Statement) -> Result<Vec<String>, StoreError> {
        let types = bind::type_names(statement);
        let nulls = vec!["NULL"; statement.params.len()].join(", ");
        let client = &self.connection()?.client;
        let prepare = format!("PREPARE plan_of {types} AS {}", statement.over_arrays());
        let explain = if nulls.is_empty() {
            "EXPLAIN EXECUTE plan_of".to_owned()
        } else {
            format!("EXPLAIN EXECUTE plan_of ({nulls})")
        };
        client.batch_execute(&prepare).await.map_err(|error| bind::failure(statement.name, &error))?;
        let lines = client.simple_query(&explain).await.map_err(|error| bind::failure(statement.name, &error));
        client.batch_execute("DEALLOCATE plan_of").await.map_err(|error| bind::failure(statement.name, &error))?;
        Ok(lines?
            .into_iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect())
    }
}
