//! Messages that wait for a carrier, or that a carrier may have and has said nothing of. Their content is sealed under a key that
//! stands in no database: whoever holds the rows holds nothing.
//!
//! A row belongs to one process, its holder, and only that one sends it. Another may take over all that a dead one held, at once.

use crate::{
    engine::{Played, Script, Statement, Step, StoreError, Type, Value},
    plan::{Plan, Planned},
    scope::{Store, Tx, record},
    values,
};
use types::{MessageId, Millis, TenantId};

record! {
    /// A message in the queue.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct QueuedRow {
        /// Whose.
        pub tenant: TenantId,
        /// Its id in the log.
        pub id: MessageId,
        /// The process that sends it.
        pub holder: Vec<u8>,
        /// The key that its content is sealed under.
        pub key_id: Vec<u8>,
        /// When nobody need look for it any more, in units of ten minutes since the epoch: the exact time is sealed.
        pub until: i64,
        /// `queued`: no carrier has seen it. `handed`: one may have.
        pub state: String,
        /// The carrier that may have seen it; empty for none.
        pub carrier: String,
        /// Number and content.
        pub sealed: Vec<u8>,
    }
}

macro_rules! columns {
    () => {
        "tenant, id, holder, key_id, until, state, carrier, sealed"
    };
}

static INSERT: Statement = Statement::new(
    "queue_insert",
    concat!("INSERT INTO message_queue (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Int, Type::Text, Type::Text, Type::Bytes],
);
// The holder stands in a CASE so that the row is looked up by its key, and not among all that the holder has.
static HAND: Statement = Statement::new(
    "queue_hand",
    "WITH input(tenant, id, holder, carrier) AS (VALUES ($1, $2, $3, $4)) \
     UPDATE message_queue SET state = 'handed', carrier = input.carrier FROM input \
     WHERE message_queue.tenant = input.tenant AND message_queue.id = input.id \
     AND CASE WHEN message_queue.holder = input.holder THEN 1 ELSE 0 END = 1 \
     RETURNING message_queue.tenant, message_queue.id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Text],
);
static NAME: Statement = Statement::new(
    "queue_name_carrier",
    "WITH input(tenant, id, carrier) AS (VALUES ($1, $2, $3)) \
     UPDATE message_log SET supplier = input.carrier, state = 'queued' FROM input \
     WHERE message_log.tenant = input.tenant AND message_log.id = input.id AND message_log.state IN ('queued', 'scheduled')",
    &[Type::Id, Type::Id, Type::Text],
);
static REMOVE: Statement = Statement::new(
    "queue_remove",
    "DELETE FROM message_queue WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static CANCEL: Statement = Statement::new(
    "queue_cancel",
    "DELETE FROM message_queue WHERE tenant = $1 AND id = $2 AND state = 'queued' RETURNING id",
    &[Type::Id, Type::Id],
);
static TAKE_OVER: Statement = Statement::new(
    "queue_take_over",
    concat!("UPDATE message_queue SET holder = $2 WHERE holder = $1 RETURNING ", columns!()),
    &[Type::Bytes, Type::Bytes],
);
static LEFT: Statement = Statement::new(
    "queue_left",
    concat!("SELECT ", columns!(), " FROM message_queue WHERE until < $1 ORDER BY until LIMIT $2"),
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&INSERT, &HAND, &NAME, &REMOVE, &CANCEL, &TAKE_OVER, &LEFT];

impl Store {
    /// Notes, in one transaction and in the log too, that these messages (tenant, id, carrier) are now handed to their carriers by
    /// `holder`. Gives those
    /// that it still holds: one that was taken back meanwhile is not among them.
    pub async fn hand_messages(
        &self,
        holder: &[u8],
        messages: &[(TenantId, MessageId, String)],
    ) -> Result<Vec<(TenantId, MessageId)>, StoreError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let params: Vec<Value> = messages
            .iter()
            .flat_map(|(tenant, id, carrier)| values![*tenant, *id, holder.to_vec(), carrier.as_str()])
            .collect();
        let names: Vec<Value> =
            messages.iter().flat_map(|(tenant, id, carrier)| values![*tenant, *id, carrier.as_str()]).collect();
        let steps = vec![Step::new((&HAND, params)), Step::new((&NAME, names))];
        let Played::Committed(mut answers) = self.engine().play(Script { steps, notices: Vec::new() }).await? else {
            return Ok(Vec::new());
        };
        let rows = answers.drain(..).next().unwrap_or_default();
        rows.into_iter()
            .map(|row| {
                let mut columns = row.read();
                Ok((columns.take()?, columns.take()?))
            })
            .collect()
    }

    /// Takes over everything that `former` held. Of several who try, one gets each row.
    pub async fn take_over_messages(&self, former: &[u8], holder: &[u8]) -> Result<Vec<QueuedRow>, StoreError> {
        let mut tx = self.engine().begin().await?;
        let rows = tx.run(&TAKE_OVER, values![former.to_vec(), holder.to_vec()]).await?;
        tx.commit().await?;
        rows.into_iter().map(crate::scope::Record::from_row).collect()
    }

    /// At most `limit` rows that nobody should hold any more: their time ended before `until`.
    pub async fn left_messages(&self, until: i64, limit: i64) -> Result<Vec<QueuedRow>, StoreError> {
        let answers = self.engine().read(vec![(&LEFT, values![until, limit.max(0)])]).await?;
        answers.into_iter().flatten().map(crate::scope::Record::from_row).collect()
    }
}

impl QueuedRow {
    /// The tenant is the transaction's.
    fn without_tenant(&self) -> Vec<Value> {
        let mut params = self.values();
        params.drain(..1);
        params
    }
}

impl Plan<'_> {
    /// As [`Tx::queue_message`].
    pub fn queue_message(&mut self, row: &QueuedRow) -> Planned {
        self.add(&INSERT, row.without_tenant())
    }

    /// As [`Tx::unqueue_message`].
    pub fn unqueue_message(&mut self, message: MessageId) -> Planned {
        self.add(&REMOVE, values![message])
    }
}

impl Tx {
    /// Puts a message into the queue.
    pub async fn queue_message(&mut self, row: &QueuedRow) -> Result<(), StoreError> {
        self.run(&INSERT, row.without_tenant()).await.map(drop)
    }

    /// Removes a message from the queue: whether it was there.
    pub async fn unqueue_message(&mut self, message: MessageId) -> Result<bool, StoreError> {
        self.changed(&REMOVE, values![message]).await
    }

    /// Takes a message back, if no carrier can have seen it: whether that was so.
    pub async fn take_back_message(&mut self, message: MessageId) -> Result<bool, StoreError> {
        self.changed(&CANCEL, values![message]).await
    }
}

/// The ten minutes that a moment lies in, as [`QueuedRow::until`] counts them.
#[must_use]
pub const fn ten_minutes(at: Millis) -> i64 {
    at.0.div_euclid(600_000)
}
