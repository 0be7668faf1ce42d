//! Attempts that outlive their request: pushes, calls, sent passcodes, asynchronous checks.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{AttemptId, Millis, PhoneId, TenantId, UserId};

record! {
    /// An attempt. `result` is 0 while pending; what the other numbers mean stands in `auth`.
    #[derive(Clone, Debug)]
    pub struct AttemptRow {
        /// The `txid` of Duo's clients.
        pub id: AttemptId,
        /// Who wants in.
        pub user_id: UserId,
        /// At which application.
        pub ikey: String,
        /// By which factor.
        pub factor: String,
        /// On which phone.
        pub phone_id: Option<PhoneId>,
        /// 0 while pending; never changes after.
        pub result: i64,
        /// The state's name, as clients see it.
        pub status: String,
        /// Why it ended.
        pub reason: String,
        /// Grows with each change that a waiter must hear of.
        pub sequence: i64,
        /// Keyed hash of the code that the person types.
        pub code_digest: Option<Vec<u8>>,
        /// What the authenticator shows, sealed.
        pub context: Vec<u8>,
        /// Hash of the signed request that began it: a replay finds it taken.
        pub request_digest: Option<Vec<u8>>,
        /// When it began.
        pub created: Millis,
        /// When it ends by itself.
        pub expires: Millis,
        /// When it was decided.
        pub decided_at: Option<Millis>,
    }
}

static BY_ID: Statement = Statement::new(
    "attempt_by_id",
    "SELECT id, user_id, ikey, factor, phone_id, result, status, reason, sequence, code_digest, context, request_digest, \
     created, expires, decided_at FROM attempt WHERE tenant = $1 AND id = $2",
    &[Type::Id, Type::Id],
);
static OPEN_OF_USER: Statement = Statement::new(
    "attempt_open_of_user",
    "SELECT id, user_id, ikey, factor, phone_id, result, status, reason, sequence, code_digest, context, request_digest, \
     created, expires, decided_at FROM attempt WHERE tenant = $1 AND user_id = $2 AND result = 0 AND expires > $3 ORDER BY id",
    &[Type::Id, Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "attempt_insert",
    "INSERT INTO attempt (tenant, id, user_id, ikey, factor, phone_id, result, status, reason, sequence, code_digest, context, \
     request_digest, created, expires, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Id,
        Type::Int,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Bytes,
        Type::Bytes,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static DECIDE: Statement = Statement::new(
    "attempt_decide",
    "UPDATE attempt SET result = $3, status = $4, reason = $5, sequence = sequence + 1, decided_at = $6 \
     WHERE tenant = $1 AND id = $2 AND result = 0 AND expires > $6 RETURNING id",
    &[Type::Id, Type::Id, Type::Int, Type::Text, Type::Text, Type::Int],
);
static EXPIRE: Statement = Statement::new(
    "attempt_expire",
    "UPDATE attempt SET result = $3, status = $4, reason = $5, sequence = sequence + 1, decided_at = $6 \
     WHERE tenant = $1 AND id = $2 AND result = 0 AND expires <= $6 RETURNING id",
    &[Type::Id, Type::Id, Type::Int, Type::Text, Type::Text, Type::Int],
);
static CLAIM: Statement = Statement::new(
    "attempt_claim_offer",
    "UPDATE attempt SET status = $3, factor = $4, phone_id = $5, context = $6, request_digest = $7, created = $8, expires = $9, \
     sequence = sequence + 1 \
     WHERE tenant = $1 AND id = $2 AND result = 0 AND status = 'offered' AND expires > $8 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Id, Type::Bytes, Type::Bytes, Type::Int, Type::Int],
);
static OVERDUE: Statement = Statement::new(
    "attempt_overdue",
    "SELECT tenant, id FROM attempt WHERE expires > $1 AND expires <= $2 AND result = 0 AND status <> 'offered' \
     ORDER BY expires LIMIT 200",
    &[Type::Int, Type::Int],
);
static PURGE: Statement = Statement::new(
    "attempt_purge",
    "DELETE FROM attempt WHERE (tenant, id) IN \
     (SELECT tenant, id FROM attempt WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING id",
    &[Type::Int, Type::Int],
);
// A code that was only shown leaves nothing to be told.
static PURGE_OFFERS: Statement = Statement::new(
    "attempt_purge_offers",
    "DELETE FROM attempt WHERE (tenant, id) IN \
     (SELECT tenant, id FROM attempt WHERE expires < $1 AND expires > $2 AND status = 'offered' ORDER BY expires LIMIT $3) \
     RETURNING id",
    &[Type::Int, Type::Int, Type::Int],
);
// An end is told once: whoever asks again may be another.
static DELIVER: Statement = Statement::new(
    "attempt_deliver",
    "UPDATE attempt SET delivered_at = $3 WHERE tenant = $1 AND id = $2 AND delivered_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] =
    &[&BY_ID, &OPEN_OF_USER, &INSERT, &DECIDE, &EXPIRE, &CLAIM, &OVERDUE, &DELIVER, &PURGE_OFFERS, &PURGE];

/// How an attempt ends.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Not 0.
    pub result: i64,
    /// The state's name, as clients see it.
    pub status: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl Tenant<'_> {
    /// One attempt.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// The user's attempts that wait for an answer.
    pub async fn open_attempts(&self, user: UserId, now: Millis) -> Result<Vec<AttemptRow>, StoreError> {
        self.list(&OPEN_OF_USER, values![user, now]).await
    }
}

impl Tx {
    /// Begins an attempt. [`StoreError::Duplicate`] when the same signed request began one before.
    pub async fn insert_attempt(&mut self, attempt: &AttemptRow) -> Result<(), StoreError> {
        self.run(&INSERT, attempt.values()).await.map(drop)
    }

    /// Turns an offered attempt (its code was shown before a factor was chosen) into `attempt`; whether this call and no other
    /// did. [`StoreError::Duplicate`] when the same signed request began one before.
    pub async fn claim_offer(&mut self, attempt: &AttemptRow) -> Result<bool, StoreError> {
        let AttemptRow { id, status, factor, phone_id, context, request_digest, created, expires, .. } =
            attempt.clone();
        self.changed(&CLAIM, values![id, status, factor, phone_id, context, request_digest, created, expires]).await
    }

    /// Marks that the end of an attempt was told; whether this call and no other did.
    pub async fn deliver_attempt(&mut self, id: AttemptId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&DELIVER, values![id, now]).await
    }

    /// Ends a pending attempt in time; whether this call and no other did.
    pub async fn decide_attempt(&mut self, id: AttemptId, ending: Ending<'_>, now: Millis) -> Result<bool, StoreError> {
        self.changed(&DECIDE, values![id, ending.result, ending.status, ending.reason, now]).await
    }

    /// Ends a pending attempt whose time is over; whether this call and no other did.
    pub async fn expire_attempt(&mut self, id: AttemptId, ending: Ending<'_>, now: Millis) -> Result<bool, StoreError> {
        self.changed(&EXPIRE, values![id, ending.result, ending.status, ending.reason, now]).await
    }
}

impl Store {
    /// Attempts whose time ran out after `after` and that nobody has ended yet: housekeeping.
    pub async fn overdue_attempts(&self, after: Millis, now: Millis) -> Result<Vec<(TenantId, AttemptId)>, StoreError> {
        let rows = self.engine().read(vec![(&OVERDUE, values![after, now])]).await?;
        rows.into_iter()
            .flatten()
            .map(|row| {
                let mut columns = row.read();
                Ok((columns.take()?, columns.take()?))
            })
            .collect()
    }

    /// Removes attempts that ended before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_attempts(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let mut tx = self.engine().begin().await?;
        let gone = tx.run(&PURGE, values![before, limit]).await?.len();
        tx.commit().await?;
        Ok(gone)
    }

    /// Removes offers that ran out between `after` and `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_offers(&self, after: Millis, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let mut tx = self.engine().begin().await?;
        let gone = tx.run(&PURGE_OFFERS, values![before, after, limit]).await?.len();
        tx.commit().await?;
        Ok(gone)
    }
}
