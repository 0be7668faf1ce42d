//! The authentication log: one row for each attempt that ended.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::{Span, floor},
    scope::{Tenant, Tx, record},
    values,
};
use types::{LogId, Millis, UserId};

record! {
    /// An attempt that ended.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuthLogRow {
        /// Its id, made from the same moment as `at`.
        pub id: LogId,
        /// When it ended.
        pub at: Millis,
        /// Who it was, when the name was known.
        pub user_id: Option<UserId>,
        /// The name as it was looked up.
        pub username: String,
        /// Where they signed in.
        pub ikey: String,
        /// The factor in Duo's words.
        pub factor: String,
        /// `success`, `denied` or `fraud`.
        pub result: String,
        /// Why, in Duo's words.
        pub reason: String,
        /// The address of the access device, as it was given.
        pub ip: String,
        /// The id of the phone or token; empty for none.
        pub device: String,
        /// What else a log reader is shown, as JSON.
        pub detail: String,
    }
}

macro_rules! columns {
    () => {
        "id, at, user_id, username, ikey, factor, result, reason, ip, device, detail"
    };
}

/// Takes the rows of a whole batch of logins; each row's first parameter is its tenant, then come [`AuthLogRow`]'s values.
pub(crate) static INSERT_SET: Statement = Statement::new(
    "auth_log_insert",
    concat!(
        "WITH input(tenant, ",
        columns!(),
        ") AS (VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)) INSERT INTO auth_log (tenant, ",
        columns!(),
        ") SELECT tenant, ",
        columns!(),
        " FROM input"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Int,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
    ],
);
static BY_ID: Statement = Statement::new(
    "auth_log_by_id",
    concat!("SELECT ", columns!(), " FROM auth_log WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static OLDEST: Statement = Statement::new(
    "auth_log_oldest_first",
    concat!("SELECT ", columns!(), " FROM auth_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4"),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static NEWEST: Statement = Statement::new(
    "auth_log_newest_first",
    concat!(
        "SELECT ",
        columns!(),
        " FROM auth_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static COUNT: Statement = Statement::new(
    "auth_log_count",
    "SELECT COUNT(*) FROM (SELECT 1 FROM auth_log WHERE tenant = $1 AND id > $2 AND id < $3 LIMIT $4) AS found",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static COUNT_BY_RESULT: Statement = Statement::new(
    "auth_log_count_by_result",
    "SELECT result, COUNT(*) FROM auth_log WHERE tenant = $1 AND id > $2 AND id < $3 GROUP BY result ORDER BY result",
    &[Type::Id, Type::Id, Type::Id],
);
static USERS_BY_RESULT: Statement = Statement::new(
    "auth_log_users_by_result",
    "SELECT result, COUNT(DISTINCT user_id) FROM auth_log WHERE tenant = $1 AND id > $2 AND id < $3 GROUP BY result ORDER BY result",
    &[Type::Id, Type::Id, Type::Id],
);
static DELETE_OLD: Statement = Statement::new(
    "auth_log_delete_old",
    "DELETE FROM auth_log WHERE tenant = $1 AND id IN \
     (SELECT id FROM auth_log WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] =
    &[&INSERT_SET, &BY_ID, &OLDEST, &NEWEST, &COUNT, &COUNT_BY_RESULT, &USERS_BY_RESULT, &DELETE_OLD];

record! {
    /// How many attempts ended in one way.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ResultCount {
        /// `success`, `denied` or `fraud`.
        pub result: String,
        /// So many.
        pub count: i64,
    }
}

impl Tenant<'_> {
    /// One entry.
    pub async fn auth_log_entry(&self, id: LogId) -> Result<Option<AuthLogRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The entries of a span.
    pub async fn auth_log(&self, span: &Span) -> Result<Vec<AuthLogRow>, StoreError> {
        self.span(&OLDEST, &NEWEST, span).await
    }

    /// How many entries the span holds, without regard to its `limit`; counts no further than `most`.
    pub async fn auth_log_count(&self, span: &Span, most: i64) -> Result<i64, StoreError> {
        let (low, high) = span.bounds();
        self.count(&COUNT, vec![low, high, most.max(0).into()]).await
    }

    /// How many attempts from `from` up to, not including, `to` ended in which way.
    pub async fn auth_log_results(&self, from: Millis, to: Millis) -> Result<Vec<ResultCount>, StoreError> {
        let (low, high) = Span::new(from, to, 0).bounds();
        self.list(&COUNT_BY_RESULT, vec![low, high]).await
    }

    /// How many known users had an attempt from `from` up to, not including, `to` that ended in which way.
    pub async fn auth_log_user_results(&self, from: Millis, to: Millis) -> Result<Vec<ResultCount>, StoreError> {
        let (low, high) = Span::new(from, to, 0).bounds();
        self.list(&USERS_BY_RESULT, vec![low, high]).await
    }
}

impl Tx {
    /// Writes one entry. The login path writes its own in batches.
    pub async fn insert_auth_log(&mut self, entry: &AuthLogRow) -> Result<(), StoreError> {
        self.run(&INSERT_SET, entry.values()).await.map(drop)
    }

    /// Deletes at most `limit` entries made before `before`, oldest first; gives how many. Fewer than `limit`: none is left.
    pub async fn delete_auth_log(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let params = vec![Value::Id(floor(before)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
