//! Verifications: codes on their way to numbers and mailboxes that a program wants proved.
//!
//! A row is there while its code is waited for. Its end deletes it, so that of a hundred right answers one is the one that did, and
//! the address, sealed in it, is gone with it. What stays is an attempt for each sending: channel, country, whether the code came back.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::floor,
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use types::{ApiObjectId, MessageId, Millis, VerificationId, VerifyAttemptId};
use uuid::Uuid;

record! {
    /// A code that is waited for.
    #[derive(Clone, Debug)]
    pub struct VerificationRow {
        /// Its id; it tells the day.
        pub id: VerificationId,
        /// Of which service.
        pub service: ApiObjectId,
        /// A keyed hash of the service and the address: one verification of an address at a time.
        pub whose: Vec<u8>,
        /// A keyed hash of the code and of what it was given for; empty when no code counts.
        pub digest: Vec<u8>,
        /// The address and what was asked, sealed.
        pub sealed: Vec<u8>,
        /// The channel of the last sending.
        pub channel: String,
        /// Sendings so far.
        pub sends: i64,
        /// Answers so far.
        pub checks: i64,
        /// The message of the last sending.
        pub message: Option<MessageId>,
        /// When it was begun.
        pub created: Millis,
        /// When it was sent or answered last.
        pub updated: Millis,
        /// When it ends by itself.
        pub expires: Millis,
    }
}

record! {
    /// One sending, for counting.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct VerifyAttemptRow {
        /// Its id; it tells the day.
        pub id: VerifyAttemptId,
        /// Of which service.
        pub service: ApiObjectId,
        /// Of which verification.
        pub verification: VerificationId,
        /// The channel.
        pub channel: String,
        /// Two letters; empty where the number doesn't tell, and for mail.
        pub country: String,
        /// Whether the code came back.
        pub converted: bool,
    }
}

/// Which attempts are looked for: those made from `from` up to, not including, `to`, and what is given.
#[derive(Clone, Debug)]
pub struct AttemptFilter {
    /// From this moment on.
    pub from: Millis,
    /// Up to, not including, this moment.
    pub to: Millis,
    /// Of one service.
    pub service: Option<ApiObjectId>,
    /// Of one verification.
    pub verification: Option<VerificationId>,
    /// Of one channel.
    pub channel: Option<String>,
    /// To one country.
    pub country: Option<String>,
    /// Only those whose code came back, or only the others.
    pub converted: Option<bool>,
}

macro_rules! columns {
    () => {
        "id, service, whose, digest, sealed, channel, sends, checks, message, created, updated, expires"
    };
}
macro_rules! attempt_columns {
    () => {
        "id, service, verification, channel, country, converted"
    };
}
macro_rules! attempt_filter {
    () => {
        " FROM verify_attempt WHERE tenant = $1 AND id > $2 AND id < $3 AND ($4 IS NULL OR service = $4) \
         AND ($5 IS NULL OR verification = $5) AND ($6 IS NULL OR channel = $6) AND ($7 IS NULL OR country = $7) \
         AND ($8 IS NULL OR converted = $8)"
    };
}

static BY_ID: Statement = Statement::new(
    "verification_by_id",
    concat!(
        "SELECT ",
        columns!(),
        " FROM verification WHERE tenant = $1 AND id = $2 AND service = $3 AND expires > $4"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static BY_WHOSE: Statement = Statement::new(
    "verification_by_whose",
    concat!(
        "SELECT ",
        columns!(),
        " FROM verification WHERE tenant = $1 AND service = $2 AND whose = $3 AND expires > $4"
    ),
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static INSERT: Statement = Statement::new(
    "verification_insert",
    concat!(
        "INSERT INTO verification (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING RETURNING id"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Bytes,
        Type::Bytes,
        Type::Bytes,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Id,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static DROP_OVER: Statement = Statement::new(
    "verification_drop_over",
    "DELETE FROM verification WHERE tenant = $1 AND service = $2 AND whose = $3 AND expires <= $4",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static SEND_AGAIN: Statement = Statement::new(
    "verification_send_again",
    "UPDATE verification SET digest = $3, sealed = $4, channel = $5, sends = sends + 1, updated = $6 \
     WHERE tenant = $1 AND id = $2 AND sends < $7 AND checks < $8 AND expires > $6 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Text, Type::Int, Type::Int, Type::Int],
);
static SENT: Statement = Statement::new(
    "verification_sent",
    "UPDATE verification SET message = $3 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
static RENEW: Statement = Statement::new(
    "verification_renew",
    "UPDATE verification SET digest = $4, channel = $5 \
     WHERE tenant = $1 AND id = $2 AND digest = $3 AND expires > $6 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Text, Type::Int],
);
// One of the few answers is spent before it is looked at: who guesses a hundred at once has no more than who guesses one by one.
static SPEND_CHECK: Statement = Statement::new(
    "verification_spend_check",
    concat!(
        "UPDATE verification SET checks = checks + 1, updated = $5 \
         WHERE tenant = $1 AND id = $2 AND service = $3 AND checks < $4 AND expires > $5 RETURNING ",
        columns!()
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static END: Statement = Statement::new(
    "verification_end",
    "DELETE FROM verification WHERE tenant = $1 AND id = $2 AND digest = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "verification_delete",
    "DELETE FROM verification WHERE tenant = $1 AND id = $2 AND service = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
static PURGE: Statement = Statement::new(
    "verification_purge",
    "DELETE FROM verification WHERE (tenant, id) IN \
     (SELECT tenant, id FROM verification WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static INSERT_ATTEMPT: Statement = Statement::new(
    "verify_attempt_insert",
    concat!("INSERT INTO verify_attempt (tenant, ", attempt_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7)"),
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Text, Type::Text, Type::Int],
);
static CONVERT: Statement = Statement::new(
    "verify_attempt_convert",
    "UPDATE verify_attempt SET converted = 1 WHERE tenant = $1 AND id = $2 AND converted = 0 RETURNING id",
    &[Type::Id, Type::Id],
);
static ATTEMPT: Statement = Statement::new(
    "verify_attempt_by_id",
    concat!("SELECT ", attempt_columns!(), " FROM verify_attempt WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static ATTEMPTS: Statement = Statement::new(
    "verify_attempts",
    concat!("SELECT ", attempt_columns!(), attempt_filter!(), " ORDER BY id DESC LIMIT $9"),
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Id, Type::Text, Type::Text, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new(
    "verify_attempt_count",
    concat!("SELECT COUNT(*), COUNT(CASE WHEN converted = 1 THEN 1 END)", attempt_filter!()),
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Id, Type::Text, Type::Text, Type::Int],
);
static DELETE_OLD: Statement = Statement::new(
    "verify_attempt_delete_old",
    "DELETE FROM verify_attempt WHERE tenant = $1 AND id IN \
     (SELECT id FROM verify_attempt WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &BY_WHOSE,
    &INSERT,
    &DROP_OVER,
    &SEND_AGAIN,
    &SENT,
    &RENEW,
    &SPEND_CHECK,
    &END,
    &DELETE,
    &PURGE,
    &INSERT_ATTEMPT,
    &CONVERT,
    &ATTEMPT,
    &ATTEMPTS,
    &COUNT,
    &DELETE_OLD,
];

impl AttemptFilter {
    fn values(&self, after: Option<Uuid>) -> Vec<Value> {
        let high = floor(self.to).min(after.unwrap_or(Uuid::max()));
        let mut all = vec![Value::Id(floor(self.from)), Value::Id(high)];
        all.extend(values![
            self.service,
            self.verification,
            self.channel.clone(),
            self.country.clone(),
            self.converted.map(i64::from)
        ]);
        all
    }
}

impl Store {
    /// Forgets at most `limit` verifications, of all tenants, that ended by themselves before `before`; gives how many.
    pub async fn purge_verifications(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}

impl Tenant<'_> {
    /// The verification with this id, while its code is waited for.
    pub async fn verification(
        &self,
        service: ApiObjectId,
        id: VerificationId,
        now: Millis,
    ) -> Result<Option<VerificationRow>, StoreError> {
        self.find(&BY_ID, values![id, service, now]).await
    }

    /// The verification of an address, by its hash, while its code is waited for.
    pub async fn verification_of(
        &self,
        service: ApiObjectId,
        whose: &[u8],
        now: Millis,
    ) -> Result<Option<VerificationRow>, StoreError> {
        self.find(&BY_WHOSE, values![service, whose.to_vec(), now]).await
    }

    /// One sending.
    pub async fn verify_attempt(&self, id: VerifyAttemptId) -> Result<Option<VerifyAttemptRow>, StoreError> {
        self.find(&ATTEMPT, values![id]).await
    }

    /// Sendings, newest first.
    pub async fn verify_attempts(
        &self,
        filter: &AttemptFilter,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<VerifyAttemptRow>, StoreError> {
        let mut params = filter.values(after);
        params.push(limit.max(0).into());
        self.list(&ATTEMPTS, params).await
    }

    /// How many sendings there were, and the codes of how many came back.
    pub async fn verify_conversion(&self, filter: &AttemptFilter) -> Result<(i64, i64), StoreError> {
        let rows = self.read(&COUNT, filter.values(None)).await?;
        let Some(row) = rows.into_iter().next() else { return Ok((0, 0)) };
        let mut columns = row.read();
        Ok((columns.take()?, columns.take()?))
    }
}

impl Tx {
    /// Begins a verification, after one of the same address whose time is over is gone. False when one is still waited for.
    pub async fn insert_verification(&mut self, row: &VerificationRow, now: Millis) -> Result<bool, StoreError> {
        self.run(&DROP_OVER, values![row.service, row.whose.clone(), now]).await?;
        self.changed(&INSERT, row.values()).await
    }

    /// Puts another code in the place of the former one, for another sending: `row` with its new digest, sealed part, channel and
    /// time. Whether another sending was left, of `sends` in all, and an answer, of `checks`.
    pub async fn send_verification_again(
        &mut self,
        row: &VerificationRow,
        sends: i64,
        checks: i64,
    ) -> Result<bool, StoreError> {
        let VerificationRow { id, digest, sealed, channel, updated, .. } = row.clone();
        self.changed(&SEND_AGAIN, values![id, digest, sealed, channel, updated, sends, checks]).await
    }

    /// Notes the message that a code travels in.
    pub async fn note_verification_message(
        &mut self,
        id: VerificationId,
        message: MessageId,
    ) -> Result<bool, StoreError> {
        self.changed(&SENT, values![id, message]).await
    }

    /// Puts another code in the place of `old`, or none where `new` is empty. Whether `old` still counted.
    pub async fn renew_verification(
        &mut self,
        id: VerificationId,
        old: &[u8],
        new: &[u8],
        channel: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&RENEW, values![id, old.to_vec(), new.to_vec(), channel, now]).await
    }

    /// Spends one answer and gives the row to compare it with; nothing when none is left of `checks`, or when there is no such
    /// verification.
    pub async fn spend_verification_check(
        &mut self,
        service: ApiObjectId,
        id: VerificationId,
        checks: i64,
        now: Millis,
    ) -> Result<Option<VerificationRow>, StoreError> {
        let rows = self.run(&SPEND_CHECK, values![id, service, checks, now]).await?;
        rows.into_iter().next().map(VerificationRow::from_row).transpose()
    }

    /// Ends a verification whose code was right. Whether it was this answer that did.
    pub async fn end_verification(&mut self, id: VerificationId, digest: &[u8]) -> Result<bool, StoreError> {
        self.changed(&END, values![id, digest.to_vec()]).await
    }

    /// Takes a verification back. Whether there was such a one.
    pub async fn delete_verification(&mut self, service: ApiObjectId, id: VerificationId) -> Result<bool, StoreError> {
        self.changed(&DELETE, values![id, service]).await
    }

    /// Notes a sending.
    pub async fn insert_verify_attempt(&mut self, row: &VerifyAttemptRow) -> Result<(), StoreError> {
        self.run(&INSERT_ATTEMPT, row.values()).await.map(drop)
    }

    /// Notes that a sending's code came back. Whether that is new.
    pub async fn convert_verify_attempt(&mut self, id: VerifyAttemptId) -> Result<bool, StoreError> {
        self.changed(&CONVERT, values![id]).await
    }

    /// Deletes at most `limit` sendings made before `before`; gives how many.
    pub async fn delete_verify_attempts(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let params = vec![Value::Id(floor(before)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
