//! What is kept of those who read: how much in which hour, from where, whether they were stopped; and the numbers that nobody has.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{Millis, TenantId, UserId};

record! {
    /// Somebody who reads, a person (by the user's id) or an integration (by its key), and what was decided of them.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct WatchedRow {
        /// The user's id as text, or the integration key.
        pub who: String,
        /// Since when they read nothing any more.
        pub frozen_at: Option<Millis>,
        /// Why.
        pub reason: String,
        /// An administrator has allowed so many rows in one hour …
        pub allowed: i64,
        /// … until then.
        pub allowed_until: Millis,
        /// When they were last asked for a fresh sign-in by a passkey, because something was unusual.
        pub asked_at: Millis,
    }
}

static ONE: Statement = Statement::new(
    "watched_one",
    "SELECT who, frozen_at, reason, allowed, allowed_until, asked_at FROM watched WHERE tenant = $1 AND who = $2",
    &[Type::Id, Type::Text],
);
static LIST: Statement = Statement::new(
    "watched_list",
    "SELECT who, frozen_at, reason, allowed, allowed_until, asked_at FROM watched WHERE tenant = $1 AND who > $2 \
     ORDER BY who LIMIT $3",
    &[Type::Id, Type::Text, Type::Int],
);
static FREEZE: Statement = Statement::new(
    "watched_freeze",
    "INSERT INTO watched (tenant, who, frozen_at, reason, allowed, allowed_until, asked_at) VALUES ($1, $2, $3, $4, 0, 0, 0) \
     ON CONFLICT (tenant, who) DO UPDATE SET frozen_at = excluded.frozen_at, reason = excluded.reason \
     WHERE watched.frozen_at IS NULL RETURNING who",
    &[Type::Id, Type::Text, Type::Int, Type::Text],
);
static ALLOW: Statement = Statement::new(
    "watched_allow",
    "INSERT INTO watched (tenant, who, frozen_at, reason, allowed, allowed_until, asked_at) VALUES ($1, $2, NULL, '', $3, $4, 0) \
     ON CONFLICT (tenant, who) DO UPDATE SET frozen_at = NULL, reason = '', allowed = excluded.allowed, \
     allowed_until = excluded.allowed_until RETURNING who",
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static ASK: Statement = Statement::new(
    "watched_ask",
    "INSERT INTO watched (tenant, who, frozen_at, reason, allowed, allowed_until, asked_at) VALUES ($1, $2, NULL, '', 0, 0, $3) \
     ON CONFLICT (tenant, who) DO UPDATE SET asked_at = excluded.asked_at WHERE watched.asked_at <= $4 RETURNING who",
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static COUNT_READING: Statement = Statement::new(
    "reading_count",
    "INSERT INTO reading (tenant, who, hour, rows_read) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, who, hour) DO UPDATE SET rows_read = reading.rows_read + excluded.rows_read RETURNING rows_read",
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static READINGS: Statement = Statement::new(
    "reading_list",
    "SELECT rows_read FROM reading WHERE tenant = $1 AND who = $2 AND hour >= $3 AND hour < $4 ORDER BY hour",
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static FORGET_READINGS: Statement = Statement::new(
    "reading_forget",
    "DELETE FROM reading WHERE tenant = $1 AND who = $2 AND hour < $3",
    &[Type::Id, Type::Text, Type::Int],
);
static PLACES: Statement = Statement::new(
    "reading_places",
    "SELECT place FROM reading_place WHERE tenant = $1 AND who = $2",
    &[Type::Id, Type::Text],
);
static ADD_PLACE: Statement = Statement::new(
    "reading_place_add",
    "INSERT INTO reading_place (tenant, who, place, since) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, who, place) DO NOTHING RETURNING who",
    &[Type::Id, Type::Text, Type::Bytes, Type::Int],
);
static FORGET_WHO: Statement =
    Statement::new("watched_forget", "DELETE FROM watched WHERE tenant = $1 AND who = $2", &[Type::Id, Type::Text]);
static FORGET_PLACES: Statement = Statement::new(
    "reading_place_forget",
    "DELETE FROM reading_place WHERE tenant = $1 AND who = $2",
    &[Type::Id, Type::Text],
);
static CANARIES: Statement =
    Statement::new("canary_number_list", "SELECT mark FROM canary_number WHERE tenant = $1", &[Type::Id]);
// Those who have any, for a text that nobody's tenant is known of.
static WITH_CANARIES: Statement = Statement::new(
    "canary_number_tenants",
    "SELECT DISTINCT tenant FROM canary_number WHERE tenant > $1 ORDER BY tenant LIMIT $2",
    &[Type::Id, Type::Int],
);
static ADD_CANARY: Statement = Statement::new(
    "canary_number_add",
    "INSERT INTO canary_number (tenant, mark) VALUES ($1, $2) ON CONFLICT (tenant, mark) DO NOTHING RETURNING mark",
    &[Type::Id, Type::Bytes],
);
static REMOVE_CANARY: Statement = Statement::new(
    "canary_number_remove",
    "DELETE FROM canary_number WHERE tenant = $1 AND mark = $2 RETURNING mark",
    &[Type::Id, Type::Bytes],
);

pub(crate) static ALL: &[&Statement] = &[
    &ONE,
    &LIST,
    &FREEZE,
    &ALLOW,
    &ASK,
    &COUNT_READING,
    &READINGS,
    &FORGET_READINGS,
    &PLACES,
    &ADD_PLACE,
    &FORGET_WHO,
    &FORGET_PLACES,
    &CANARIES,
    &WITH_CANARIES,
    &ADD_CANARY,
    &REMOVE_CANARY,
];

impl Store {
    /// The tenants that have numbers that are canaries, behind `after`.
    pub async fn tenants_with_canary_numbers(
        &self,
        after: Option<TenantId>,
        limit: i64,
    ) -> Result<Vec<TenantId>, StoreError> {
        let after = after.unwrap_or(TenantId::from_uuid(uuid::Uuid::nil()));
        let rows = self.engine().read(vec![(&WITH_CANARIES, values![after, limit.max(0)])]).await?;
        rows.into_iter().flatten().map(|row| row.read().take()).collect()
    }
}

impl Tenant<'_> {
    /// What was decided of somebody; nothing of most.
    pub async fn watched(&self, who: &str) -> Result<Option<WatchedRow>, StoreError> {
        self.find(&ONE, values![who]).await
    }

    /// Those of whom something was decided, behind `after`.
    pub async fn all_watched(&self, after: &str, limit: i64) -> Result<Vec<WatchedRow>, StoreError> {
        self.list(&LIST, values![after, limit.max(0)]).await
    }

    /// How many rows somebody read in each hour (since the epoch) from `from` up to, not including, `to`; hours without any are left out.
    pub async fn readings(&self, who: &str, from: i64, to: i64) -> Result<Vec<i64>, StoreError> {
        let rows = self.read(&READINGS, values![who, from, to]).await?;
        rows.into_iter().map(|row| row.read().take()).collect()
    }

    /// The marks of the places that somebody has read from.
    pub async fn reading_places(&self, who: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self.read(&PLACES, values![who]).await?;
        rows.into_iter().map(|row| row.read().take()).collect()
    }

    /// The marks of the numbers that are canaries.
    pub async fn canary_numbers(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self.read(&CANARIES, values![]).await?;
        rows.into_iter().map(|row| row.read().take()).collect()
    }
}

impl Tx {
    /// Stops somebody from reading. Whether they were not stopped before.
    pub async fn freeze(&mut self, who: &str, reason: &str, now: Millis) -> Result<bool, StoreError> {
        self.changed(&FREEZE, values![who, now, reason]).await
    }

    /// Lets somebody read again, and up to `rows` in one hour until `until`.
    pub async fn release(&mut self, who: &str, rows: i64, until: Millis) -> Result<(), StoreError> {
        self.run(&ALLOW, values![who, rows.max(0), until]).await.map(drop)
    }

    /// Notes that a fresh sign-in was asked for. Whether none was asked for after `before`.
    pub async fn ask_reader(&mut self, who: &str, now: Millis, before: Millis) -> Result<bool, StoreError> {
        self.changed(&ASK, values![who, now, before]).await
    }

    /// Counts rows that somebody is given in an hour (since the epoch); gives how many it are now. Forgets what lies before `oldest`.
    pub async fn count_reading(&mut self, who: &str, hour: i64, rows: i64, oldest: i64) -> Result<i64, StoreError> {
        self.run(&FORGET_READINGS, values![who, oldest]).await?;
        let counted = self.run(&COUNT_READING, values![who, hour, rows.max(0)]).await?;
        counted.into_iter().next().map_or(Ok(0), |row| row.read().take())
    }

    /// Notes a place that somebody reads from. Whether it was not known.
    pub async fn add_reading_place(&mut self, who: &str, place: &[u8], now: Millis) -> Result<bool, StoreError> {
        self.changed(&ADD_PLACE, values![who, place.to_vec(), now]).await
    }

    /// Forgets all that is kept of a user as a reader.
    pub(crate) async fn forget_reader(&mut self, user: UserId) -> Result<(), StoreError> {
        let who = user.to_string();
        self.run(&FORGET_READINGS, values![who.as_str(), i64::MAX]).await?;
        for statement in [&FORGET_PLACES, &FORGET_WHO] {
            self.run(statement, values![who.as_str()]).await?;
        }
        Ok(())
    }

    /// Makes a number a canary. Whether it was none.
    pub async fn add_canary_number(&mut self, mark: &[u8; 32]) -> Result<bool, StoreError> {
        self.changed(&ADD_CANARY, values![*mark]).await
    }

    /// Makes a number an ordinary one again. Whether it was a canary.
    pub async fn remove_canary_number(&mut self, mark: &[u8; 32]) -> Result<bool, StoreError> {
        self.changed(&REMOVE_CANARY, values![*mark]).await
    }
}
