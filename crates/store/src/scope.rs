//! The store, a tenant's part of it, and a transaction inside that part.

use crate::engine::{Columns, Engine, Row, Statement, StoreError, Transaction, Value};
use crate::{alarms::Alarms, numbers::Broker, row_cache::RowCache};
use keys::{DayKeys, Field, KeyError, KeyRing, TenantKeys, WrappedKey};
use std::sync::Arc;
use types::{SecretBytes, TenantId, World};

/// How many tenants' opened keys are kept in memory.
const KEYS_CACHED: usize = 131_072;

/// Everything that is remembered, behind one engine.
pub struct Store {
    engine: Arc<dyn Engine>,
    ring: KeyRing,
    world: World,
    opened: RowCache<TenantId, TenantKeys>,
    days: Option<Arc<DayKeys>>,
    marks: Option<Arc<DayKeys>>,
    numbers: Broker,
    alarms: Alarms,
    canaries: RowCache<TenantId, Arc<Vec<Vec<u8>>>>,
}

impl Store {
    /// A store on an open engine, with the key ring that opens tenants' keys.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, ring: KeyRing, world: World) -> Self {
        Self {
            engine,
            ring,
            world,
            opened: RowCache::new(KEYS_CACHED),
            days: None,
            marks: None,
            numbers: Broker::default(),
            alarms: Alarms::default(),
            canaries: RowCache::new(KEYS_CACHED),
        }
    }

    /// With the keys of the message log's days: without them nothing sealed is written or read.
    #[must_use]
    pub fn with_day_keys(mut self, days: Arc<DayKeys>) -> Self {
        self.days = Some(days);
        self
    }

    /// With the keys that users are marked by in the message log: those of the present day, and of no day before.
    #[must_use]
    pub fn with_mark_keys(mut self, marks: Arc<DayKeys>) -> Self {
        self.marks = Some(marks);
        self
    }

    /// The keys of the users' marks; none where their file is not.
    #[must_use]
    pub const fn mark_keys(&self) -> Option<&Arc<DayKeys>> {
        self.marks.as_ref()
    }

    pub(crate) const fn days(&self) -> Option<&Arc<DayKeys>> {
        self.days.as_ref()
    }

    /// The broker of the directory's numbers.
    #[must_use]
    pub const fn numbers(&self) -> &Broker {
        &self.numbers
    }

    pub(crate) const fn all_alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// The marks of a tenant's canary numbers, kept until its keys are forgotten.
    pub(crate) async fn canaries_of(&self, tenant: &Tenant<'_>) -> Result<Arc<Vec<Vec<u8>>>, StoreError> {
        if let Some(kept) = self.canaries.get(&tenant.id) {
            return Ok(kept);
        }
        let reading = self.canaries.reading();
        let read = Arc::new(tenant.canary_numbers().await?);
        self.canaries.keep(reading, tenant.id, Arc::clone(&read));
        Ok(read)
    }

    /// The engine: for health, backup and notices.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// The engine, shared.
    #[must_use]
    pub fn shared_engine(&self) -> Arc<dyn Engine> {
        Arc::clone(&self.engine)
    }

    /// Time and chance.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The key ring.
    #[must_use]
    pub const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// One tenant's rows: the only way to them.
    #[must_use]
    pub const fn tenant(&self, id: TenantId) -> Tenant<'_> {
        Tenant { store: self, id }
    }

    /// Forgets all opened keys: a rotation may have gone unheard.
    pub fn forget_all_keys(&self) {
        self.opened.forget_all();
        self.canaries.forget_all();
    }

    /// Runs a housekeeping statement over all tenants in its own transaction: `$1` is a time and `$2` the most rows; gives how many rows
    /// it returned.
    pub(crate) async fn purge(
        &self,
        statement: &'static Statement,
        before: types::Millis,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let mut tx = self.engine.begin().await?;
        let gone = tx.run(statement, crate::values![before, limit.max(0)]).await?.len();
        tx.commit().await?;
        Ok(gone)
    }

    /// Forgets a tenant's opened keys, after a rotation, and its canary numbers, after a change.
    pub fn forget_keys(&self, tenant: TenantId) {
        self.opened.forget(&tenant);
        self.canaries.forget(&tenant);
    }
}

/// One tenant's rows.
#[derive(Clone, Copy)]
pub struct Tenant<'a> {
    pub(crate) store: &'a Store,
    pub(crate) id: TenantId,
}

static KEYS: Statement = Statement::new(
    "tenant_keys",
    "SELECT version, root, wrapped FROM tenant_key WHERE tenant = $1 ORDER BY version",
    &[crate::engine::Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[&KEYS];

impl<'a> Tenant<'a> {
    /// Whose rows these are.
    #[must_use]
    pub const fn id(&self) -> TenantId {
        self.id
    }

    /// Opens a writing transaction.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(Tx { inner: self.store.engine.begin().await?, tenant: self.id })
    }

    /// The tenant's keys, opened.
    pub async fn keys(&self) -> Result<TenantKeys, StoreError> {
        if let Some(keys) = self.store.opened.get(&self.id) {
            return Ok(keys);
        }
        let reading = self.store.opened.reading();
        let wrapped = self.wrapped_keys().await?;
        let (ring, id) = (self.store.ring.clone(), self.id);
        // A root key in a token is asked over a bus or a network.
        let opened = tokio::task::spawn_blocking(move || ring.open_tenant_keys(id, &wrapped)).await;
        let keys = opened.map_err(|error| StoreError::Unavailable(error.to_string()))??;
        self.store.opened.keep(reading, self.id, keys.clone());
        Ok(keys)
    }

    /// The tenant's keys as they are kept, oldest version first.
    pub async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        let rows = self.read(&KEYS, Vec::new()).await?;
        rows.into_iter()
            .map(|row| {
                let mut columns = row.read();
                let version = u32::try_from(columns.take::<i64>()?).map_err(|_| StoreError::Damaged("key version"))?;
                Ok(WrappedKey { version, root: columns.take()?, bytes: columns.take()? })
            })
            .collect()
    }

    /// Opens a sealed column. One that names a key version which isn't known here makes the keys be read anew, once: they were rotated
    /// a moment ago.
    pub async fn open(&self, field: Field<'_>, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        match self.keys().await?.open(field, sealed) {
            Err(KeyError::UnknownVersion(_)) => {
                self.store.forget_keys(self.id);
                Ok(self.keys().await?.open(field, sealed)?)
            }
            done => Ok(done?),
        }
    }

    /// Runs one reading statement whose `$1` is this tenant; `params` are those after it.
    pub(crate) async fn read(&self, statement: &'static Statement, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let answers = self.store.engine.read(vec![(statement, scoped(self.id, params))]).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// As [`read`](Self::read), and each row as a record.
    pub(crate) async fn list<T: Record>(
        &self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        self.read(statement, params).await?.into_iter().map(T::from_row).collect()
    }

    /// As [`list`](Self::list), for at most one.
    pub(crate) async fn find<T: Record>(
        &self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        self.read(statement, params).await?.into_iter().next().map(T::from_row).transpose()
    }

    /// One number, 0 where there is no row.
    pub(crate) async fn count(&self, statement: &'static Statement, params: Vec<Value>) -> Result<i64, StoreError> {
        let rows = self.read(statement, params).await?;
        rows.into_iter().next().map_or(Ok(0), |row| row.read().take())
    }
}

/// A transaction inside one tenant. It is used in order and committed; dropping it rolls back.
pub struct Tx {
    inner: Box<dyn Transaction>,
    tenant: TenantId,
}

impl Tx {
    /// Whose rows these are.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Runs one statement whose `$1` is this tenant.
    pub(crate) async fn run(
        &mut self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.inner.run(statement, scoped(self.tenant, params)).await
    }

    /// Runs a conditional statement that returns the rows it changed: whether there was one.
    pub(crate) async fn changed(
        &mut self,
        statement: &'static Statement,
        params: Vec<Value>,
    ) -> Result<bool, StoreError> {
        Ok(!self.run(statement, params).await?.is_empty())
    }

    /// Tells every node when this commits.
    pub async fn notify(&mut self, notice: String) -> Result<(), StoreError> {
        self.inner.notify(notice).await
    }

    /// Makes it durable.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await
    }
}

pub(crate) fn scoped(tenant: TenantId, params: Vec<Value>) -> Vec<Value> {
    let mut all = Vec::with_capacity(params.len() + 1);
    all.push(tenant.into());
    all.extend(params);
    all
}

/// A struct whose fields are the columns of a statement, in order.
pub(crate) trait Record: Sized {
    /// Reads the next columns.
    fn from_columns(columns: &mut Columns) -> Result<Self, StoreError>;

    /// Reads one row.
    fn from_row(row: Row) -> Result<Self, StoreError> {
        Self::from_columns(&mut row.read())
    }
}

/// Makes a struct a [`Record`]: `columns!()` lists its columns for the statement, `values()` gives them back for an insert.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $crate::scope::Record for $name {
            fn from_columns(columns: &mut $crate::engine::Columns) -> Result<Self, $crate::engine::StoreError> {
                Ok(Self { $($field: columns.take()?,)* })
            }
        }

        impl $name {
            /// The fields as parameters, in the order of the columns.
            #[allow(dead_code, clippy::allow_attributes, reason = "records that are only read make no use of it")]
            pub(crate) fn values(&self) -> Vec<$crate::engine::Value> {
                vec![$($crate::engine::Value::from(self.$field.clone()),)*]
            }
        }
    };
}
pub(crate) use record;
