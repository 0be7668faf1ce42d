//! The message log: what billing and operations need in clear, the rest sealed to the tenant or not kept.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::{Span, floor},
    plan::{Plan, Planned},
    scope::{Record as _, Store, Tenant, Tx, record},
    values,
};
use types::{AttemptId, MessageId, Millis, TenantId};

record! {
    /// A message that was handed to a supplier.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MessageRow {
        /// Its id, made from the first moment of its day: a UUIDv7 tells its time, and the exact time is sealed.
        pub id: MessageId,
        /// The UTC day, since the epoch; the exact time is sealed.
        pub day: i64,
        /// `sms`, `voice`, `email`, …
        pub channel: String,
        /// Who carried it.
        pub supplier: String,
        /// Why it was sent: `authentication`, `enrollment`, …
        pub purpose: String,
        /// How far it came: `queued`, `sent`, `delivered`, `failed`, …
        pub state: String,
        /// What it is billed as.
        pub billing_class: String,
        /// What went wrong, in a few classes; empty for nothing.
        pub error_class: String,
        /// A keyed hash of the user, for counting without naming.
        pub user_mark: Vec<u8>,
        /// A keyed hash of the supplier's receipt.
        pub receipt: Option<Vec<u8>>,
        /// Number, place and exact time, sealed to the tenant's public key; nothing for a tenant without one.
        pub sealed: Option<Vec<u8>>,
        /// The attempt it belongs to.
        pub txid: Option<AttemptId>,
    }
}

macro_rules! columns {
    () => {
        "id, day, channel, supplier, purpose, state, billing_class, error_class, user_mark, receipt, sealed, txid"
    };
}

static INSERT: Statement = Statement::new(
    "message_insert",
    concat!(
        "INSERT INTO message_log (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Bytes,
        Type::Bytes,
        Type::Id,
    ],
);
static BY_ID: Statement = Statement::new(
    "message_by_id",
    concat!("SELECT ", columns!(), " FROM message_log WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static OLDEST: Statement = Statement::new(
    "message_oldest_first",
    concat!("SELECT ", columns!(), " FROM message_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4"),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static NEWEST: Statement = Statement::new(
    "message_newest_first",
    concat!(
        "SELECT ",
        columns!(),
        " FROM message_log WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static COUNT: Statement = Statement::new(
    "message_count",
    "SELECT COUNT(*) FROM (SELECT 1 FROM message_log WHERE tenant = $1 AND id > $2 AND id < $3 LIMIT $4) AS found",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static SET_STATE: Statement = Statement::new(
    "message_set_state",
    "UPDATE message_log SET state = $4, error_class = $5, billing_class = COALESCE($6, billing_class) \
     WHERE tenant = $1 AND id = $2 AND state = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Text, Type::Text],
);
static SET_SEALED: Statement = Statement::new(
    "message_set_sealed",
    "UPDATE message_log SET sealed = $3 WHERE tenant = $1 AND id = $2 AND sealed IS NOT NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static SET_RECEIPT: Statement = Statement::new(
    "message_set_receipt",
    "UPDATE message_log SET receipt = $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static INSERT_RECEIPT: Statement = Statement::new(
    "message_insert_receipt",
    "INSERT INTO message_receipt (tenant, message, receipt, expires) VALUES ($1, $2, $3, $4)",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static OF_RECEIPT: Statement = Statement::new(
    "message_of_receipt",
    "SELECT m.tenant, m.id, m.day, m.channel, m.supplier, m.purpose, m.state, m.billing_class, m.error_class, m.user_mark, m.receipt, \
     m.sealed, m.txid FROM message_receipt r JOIN message_log m ON m.tenant = r.tenant AND m.id = r.message \
     WHERE r.receipt = $1 AND r.expires > $2",
    &[Type::Bytes, Type::Int],
);
static PURGE_RECEIPTS: Statement = Statement::new(
    "message_purge_receipts",
    "DELETE FROM message_receipt WHERE receipt IN \
     (SELECT receipt FROM message_receipt WHERE expires <= $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static BILLING: Statement = Statement::new(
    "message_billing",
    "SELECT channel, billing_class, COUNT(*) FROM message_log WHERE tenant = $1 AND id > $2 AND id < $3 \
     GROUP BY channel, billing_class HAVING COUNT(*) >= $4 ORDER BY channel, billing_class",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static OUTCOMES: Statement = Statement::new(
    "message_outcomes",
    "SELECT supplier, channel, state, error_class, COUNT(*) FROM message_log WHERE tenant = $1 AND id > $2 AND id < $3 \
     GROUP BY supplier, channel, state, error_class ORDER BY supplier, channel, state, error_class",
    &[Type::Id, Type::Id, Type::Id],
);
static DELETE_OLD: Statement = Statement::new(
    "message_delete_old",
    "DELETE FROM message_log WHERE tenant = $1 AND id IN \
     (SELECT id FROM message_log WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &INSERT,
    &BY_ID,
    &OLDEST,
    &NEWEST,
    &COUNT,
    &SET_STATE,
    &SET_SEALED,
    &SET_RECEIPT,
    &INSERT_RECEIPT,
    &OF_RECEIPT,
    &PURGE_RECEIPTS,
    &BILLING,
    &OUTCOMES,
    &DELETE_OLD,
];

record! {
    /// How many messages a carrier brought to the same end.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OutcomeCount {
        /// See [`MessageRow::supplier`].
        pub supplier: String,
        /// See [`MessageRow::channel`].
        pub channel: String,
        /// See [`MessageRow::state`].
        pub state: String,
        /// See [`MessageRow::error_class`].
        pub error_class: String,
        /// How many.
        pub count: i64,
    }
}

record! {
    /// How many messages are billed alike.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BillingCount {
        /// See [`MessageRow::channel`].
        pub channel: String,
        /// See [`MessageRow::billing_class`].
        pub billing_class: String,
        /// So many.
        pub count: i64,
    }
}

impl Store {
    /// The message that a supplier's receipt is about. The receipt comes before anybody knows the tenant.
    pub async fn message_of_receipt(
        &self,
        receipt: &[u8],
        now: Millis,
    ) -> Result<Option<(TenantId, MessageRow)>, StoreError> {
        let rows = self.engine().read(vec![(&OF_RECEIPT, values![receipt.to_vec(), now])]).await?;
        let Some(row) = rows.into_iter().flatten().next() else { return Ok(None) };
        let mut columns = row.read();
        Ok(Some((columns.take()?, MessageRow::from_columns(&mut columns)?)))
    }

    /// Forgets at most `limit` receipts, of all tenants, that can't come any more; gives how many.
    pub async fn purge_receipts(&self, now: Millis, limit: i64) -> Result<usize, StoreError> {
        let mut inner = self.engine().begin().await?;
        let gone = inner.run(&PURGE_RECEIPTS, values![now, limit.max(0)]).await?.len();
        inner.commit().await?;
        Ok(gone)
    }
}

impl Tenant<'_> {
    /// One message.
    pub async fn message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The messages of a span.
    pub async fn messages(&self, span: &Span) -> Result<Vec<MessageRow>, StoreError> {
        self.span(&OLDEST, &NEWEST, span).await
    }

    /// How many messages the span holds, without regard to its `limit`; counts no further than `most`.
    pub async fn message_count(&self, span: &Span, most: i64) -> Result<i64, StoreError> {
        let (low, high) = span.bounds();
        self.count(&COUNT, vec![low, high, most.max(0).into()]).await
    }

    /// What became of the messages from `from` up to, not including, `to`, by carrier.
    pub async fn message_outcomes(&self, from: Millis, to: Millis) -> Result<Vec<OutcomeCount>, StoreError> {
        let (low, high) = Span::new(from, to, 0).bounds();
        self.list(&OUTCOMES, vec![low, high]).await
    }

    /// How many messages from `from` up to, not including, `to` are billed alike; groups smaller than `at_least` are left out,
    /// because a count of one tells who it was.
    pub async fn billing(&self, from: Millis, to: Millis, at_least: i64) -> Result<Vec<BillingCount>, StoreError> {
        let (low, high) = Span::new(from, to, 0).bounds();
        self.list(&BILLING, vec![low, high, at_least.into()]).await
    }
}

impl Plan<'_> {
    /// As [`Tx::insert_message`].
    pub fn insert_message(&mut self, message: &MessageRow) -> Planned {
        self.add(&INSERT, message.values())
    }

    /// As [`Tx::set_message_state`].
    pub fn set_message_state(
        &mut self,
        message: MessageId,
        old: &str,
        new: &str,
        error_class: &str,
        billing_class: Option<&str>,
    ) -> Planned {
        self.add(&SET_STATE, values![message, old, new, error_class, billing_class])
    }

    /// Replaces the sealed part of a message that has one, when the supplier's receipt is sealed in.
    pub fn set_message_sealed(&mut self, message: MessageId, sealed: Vec<u8>) -> Planned {
        self.add(&SET_SEALED, values![message, sealed])
    }

    /// Notes by which receipt the supplier will speak of a message, if there is such a message, until `expires`. The plan ends with
    /// [`StoreError::Duplicate`] when the receipt is another's.
    pub fn add_receipt(&mut self, message: MessageId, receipt: &[u8], expires: Millis) -> Planned {
        let named = self.add(&SET_RECEIPT, values![message, receipt.to_vec()]);
        let kept = self.add(&INSERT_RECEIPT, values![message, receipt.to_vec(), expires]);
        self.after(kept, &[named]);
        named
    }
}

impl Tx {
    /// Writes a message.
    pub async fn insert_message(&mut self, message: &MessageRow) -> Result<(), StoreError> {
        self.run(&INSERT, message.values()).await.map(drop)
    }

    /// Moves a message from the state `old` to `new`; `billing_class` when the supplier has said it. Whether it was still in
    /// `old`: receipts come twice and out of order.
    pub async fn set_message_state(
        &mut self,
        message: MessageId,
        old: &str,
        new: &str,
        error_class: &str,
        billing_class: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.changed(&SET_STATE, values![message, old, new, error_class, billing_class]).await
    }

    /// Deletes at most `limit` messages made before `before`, oldest first; gives how many. Fewer than `limit`: none is left.
    pub async fn delete_messages(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let params = vec![Value::Id(floor(before)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
