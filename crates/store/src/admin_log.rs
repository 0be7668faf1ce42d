//! The administrator log: one row for each change.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::{Span, floor},
    scope::{Tenant, Tx, record},
    values,
};
use types::{LogId, Millis, World};

record! {
    /// A change that somebody made.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AdminLogRow {
        /// Its id, made from the same moment as `at`.
        pub id: LogId,
        /// When.
        pub at: Millis,
        /// Who: an administrator's name, or an integration's key.
        pub actor: String,
        /// What, in Duo's words: `user_update`, …
        pub action: String,
        /// To what.
        pub object: String,
        /// Details, as JSON.
        pub detail: String,
    }
}

macro_rules! columns {
    () => {
        "id, at, actor, action, object, detail"
    };
}

static INSERT: Statement = Statement::new(
    "admin_log_insert",
    concat!("INSERT INTO admin_log (tenant, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)"),
    &[Type::Id, Type::Id, Type::Int, Type::Text, Type::Text, Type::Text, Type::Text],
);
static BY_ID: Statement = Statement::new(
    "admin_log_by_id",
    concat!("SELECT ", columns!(), " FROM admin_log WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static OLDEST: Statement = Statement::new(
    "admin_log_oldest_first",
    concat!("SELECT ", columns!(), " FROM admin_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4"),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static NEWEST: Statement = Statement::new(
    "admin_log_newest_first",
    concat!(
        "SELECT ",
        columns!(),
        " FROM admin_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static COUNT: Statement = Statement::new(
    "admin_log_count",
    "SELECT COUNT(*) FROM (SELECT 1 FROM admin_log WHERE tenant = $1 AND id > $2 AND id < $3 LIMIT $4) AS found",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static DELETE_OLD: Statement = Statement::new(
    "admin_log_delete_old",
    "DELETE FROM admin_log WHERE tenant = $1 AND id IN \
     (SELECT id FROM admin_log WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&INSERT, &BY_ID, &OLDEST, &NEWEST, &COUNT, &DELETE_OLD];

impl Tenant<'_> {
    /// One entry.
    pub async fn admin_log_entry(&self, id: LogId) -> Result<Option<AdminLogRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The entries of a span.
    pub async fn admin_log(&self, span: &Span) -> Result<Vec<AdminLogRow>, StoreError> {
        self.span(&OLDEST, &NEWEST, span).await
    }

    /// How many entries the span holds, without regard to its `limit`; counts no further than `most`.
    pub async fn admin_log_count(&self, span: &Span, most: i64) -> Result<i64, StoreError> {
        let (low, high) = span.bounds();
        self.count(&COUNT, vec![low, high, most.max(0).into()]).await
    }
}

impl Tx {
    /// Writes an entry, in the transaction that makes the change.
    pub async fn insert_admin_log(&mut self, entry: &AdminLogRow) -> Result<(), StoreError> {
        self.run(&INSERT, entry.values()).await.map(drop)
    }

    /// Adds an act to the administrator log, in the transaction of the act itself.
    pub async fn log_act(
        &mut self,
        world: &World,
        actor: &str,
        action: &str,
        object: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let at = world.now();
        self.insert_admin_log(&AdminLogRow {
            id: LogId::new(at, world.random.as_ref()),
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail: detail.to_owned(),
        })
        .await
    }

    /// Deletes at most `limit` entries made before `before`, oldest first; gives how many. Fewer than `limit`: none is left.
    pub async fn delete_admin_log(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let params = vec![Value::Id(floor(before)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
