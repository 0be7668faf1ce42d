//! Messages and calls that a program sent through the messaging API: which they are, and who wants to hear what becomes of them.
//!
//! The message log has the rest. Nothing here tells a number: a mark joins one day's messages to one number, under the tenant's key.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::floor,
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{MessageId, Millis, TenantId};
use uuid::Uuid;

record! {
    /// A message or a call.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ApiMessageRow {
        /// Its id, as in the message log: it tells the day.
        pub id: MessageId,
        /// `message` or `call`.
        pub kind: String,
        /// A keyed hash of the day and the number.
        pub mark: Vec<u8>,
        /// A keyed hash of what makes it one: who hands the same in twice gets the first.
        pub once: Option<Vec<u8>>,
        /// Who wants to hear of it, sealed; nothing where nobody does, or where all has been told.
        pub sealed: Option<Vec<u8>>,
        /// The last state that was told.
        pub told: String,
        /// How often it was tried in vain to tell the next.
        pub tries: i64,
        /// When there is something to tell or to look for; nothing where there isn't.
        pub due: Option<Millis>,
        /// Until then one node tells, and no other.
        pub leased: Millis,
    }
}

macro_rules! columns {
    () => {
        "id, kind, mark, once, sealed, told, tries, due, leased"
    };
}

static BY_ID: Statement = Statement::new(
    "api_message_by_id",
    concat!("SELECT ", columns!(), " FROM api_message WHERE tenant = $1 AND id = $2 AND kind = $3"),
    &[Type::Id, Type::Id, Type::Text],
);
static BY_ONCE: Statement = Statement::new(
    "api_message_by_once",
    concat!("SELECT ", columns!(), " FROM api_message WHERE tenant = $1 AND once = $2"),
    &[Type::Id, Type::Bytes],
);
static PAGE: Statement = Statement::new(
    "api_message_page",
    concat!(
        "SELECT ",
        columns!(),
        " FROM api_message WHERE tenant = $1 AND id < $2 AND id > $3 AND kind = $4 ORDER BY id DESC LIMIT $5"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Text, Type::Int],
);
static INSERT: Statement = Statement::new(
    "api_message_insert",
    concat!(
        "INSERT INTO api_message (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Bytes,
        Type::Bytes,
        Type::Bytes,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static DELETE: Statement = Statement::new(
    "api_message_delete",
    "DELETE FROM api_message WHERE tenant = $1 AND id = $2 AND kind = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Text],
);
static DUE: Statement = Statement::new(
    "api_message_due",
    "SELECT tenant, id FROM api_message WHERE due <= $1 ORDER BY due LIMIT $2",
    &[Type::Int, Type::Int],
);
static LEASE: Statement = Statement::new(
    "api_message_lease",
    concat!(
        "UPDATE api_message SET leased = $3, due = $3 WHERE tenant = $1 AND id = $2 AND due IS NOT NULL AND leased <= $4 RETURNING ",
        columns!()
    ),
    &[Type::Id, Type::Id, Type::Int, Type::Int],
);
static TELL: Statement = Statement::new(
    "api_message_tell",
    "UPDATE api_message SET told = $3, tries = $4, due = $5, leased = 0, \
     sealed = CASE WHEN $5 IS NULL THEN NULL ELSE sealed END WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Int, Type::Int],
);
static DELETE_OLD: Statement = Statement::new(
    "api_message_delete_old",
    "DELETE FROM api_message WHERE tenant = $1 AND id IN \
     (SELECT id FROM api_message WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&BY_ID, &BY_ONCE, &PAGE, &INSERT, &DELETE, &DUE, &LEASE, &TELL, &DELETE_OLD];

impl Store {
    /// At most `limit` messages, of all tenants, of which something is to be told by now.
    pub async fn api_messages_due(&self, now: Millis, limit: i64) -> Result<Vec<(TenantId, MessageId)>, StoreError> {
        let rows = self.engine().read(vec![(&DUE, values![now, limit.max(0)])]).await?;
        let pair = |row: crate::engine::Row| {
            let mut columns = row.read();
            Ok((columns.take()?, columns.take()?))
        };
        rows.into_iter().flatten().map(pair).collect()
    }
}

impl Tenant<'_> {
    /// One of this kind.
    pub async fn api_message(&self, kind: &str, id: MessageId) -> Result<Option<ApiMessageRow>, StoreError> {
        self.find(&BY_ID, values![id, kind]).await
    }

    /// The one that was handed in under this mark before.
    pub async fn api_message_once(&self, once: &[u8]) -> Result<Option<ApiMessageRow>, StoreError> {
        self.find(&BY_ONCE, values![once.to_vec()]).await
    }

    /// At most `limit` of this kind, newest first: after `after` where it is given, made from `from` up to, not including, `to`.
    pub async fn api_messages(
        &self,
        kind: &str,
        (from, to): (Millis, Millis),
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ApiMessageRow>, StoreError> {
        let high = floor(to).min(after.unwrap_or(Uuid::max()));
        self.list(&PAGE, vec![Value::Id(high), Value::Id(floor(from)), kind.into(), limit.max(0).into()]).await
    }
}

impl Tx {
    /// Notes a message that is about to be handed over. False when one like it was handed in before.
    pub async fn insert_api_message(&mut self, row: &ApiMessageRow) -> Result<bool, StoreError> {
        self.changed(&INSERT, row.values()).await
    }

    /// Forgets one. Whether there was such a one.
    pub async fn delete_api_message(&mut self, kind: &str, id: MessageId) -> Result<bool, StoreError> {
        self.changed(&DELETE, values![id, kind]).await
    }

    /// Takes it upon this node, until `until`, to tell what is to be told of a message. Nothing when another does, or when there is
    /// nothing to tell.
    pub async fn lease_api_message(
        &mut self,
        id: MessageId,
        until: Millis,
        now: Millis,
    ) -> Result<Option<ApiMessageRow>, StoreError> {
        let rows = self.run(&LEASE, values![id, until, now]).await?;
        rows.into_iter().next().map(crate::scope::Record::from_row).transpose()
    }

    /// Notes what was told, and when to look again; at the end (`due` none) also forgets who wanted to hear it.
    pub async fn tell_api_message(
        &mut self,
        id: MessageId,
        told: &str,
        tries: i64,
        due: Option<Millis>,
    ) -> Result<bool, StoreError> {
        self.changed(&TELL, values![id, told, tries, due]).await
    }

    /// Deletes at most `limit` made before `before`; gives how many.
    pub async fn delete_api_messages(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let params = vec![Value::Id(floor(before)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
