//! The headers of the message log's segments, wrapped under the key of their day.

use crate::{
    engine::{Statement, StoreError, Type, Value},
    page::{Span, floor},
    scope::{Store, Tenant, Tx},
    values,
};
use keys::{DayKeys, KeyError};
use std::sync::Arc;
use types::{Millis, SegmentId};

const DAY: i64 = 86_400_000;

/// The header of a segment, without which none of its rows opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSegment {
    /// Its id, made from the first moment of its day, like a message's.
    pub id: SegmentId,
    /// The UTC day, since the epoch.
    pub day: i64,
    /// What the tenant's private key opens; nothing where the day was shredded.
    pub header: Option<Vec<u8>>,
}

static INSERT: Statement = Statement::new(
    "log_segment_insert",
    "INSERT INTO log_segment (tenant, id, day, header) VALUES ($1, $2, $3, $4)",
    &[Type::Id, Type::Id, Type::Int, Type::Bytes],
);
static OF_SPAN: Statement = Statement::new(
    "log_segment_of_span",
    "SELECT id, day, header FROM log_segment WHERE tenant = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static DELETE_OLD: Statement = Statement::new(
    "log_segment_delete_old",
    "DELETE FROM log_segment WHERE tenant = $1 AND id IN \
     (SELECT id FROM log_segment WHERE tenant = $1 AND id < $2 ORDER BY id LIMIT $3) RETURNING 1",
    &[Type::Id, Type::Id, Type::Int],
);
// Of the whole house: one row.
static CHECK: Statement =
    Statement::new("log_day_check", "SELECT day, value FROM log_day WHERE name = $1", &[Type::Text]);
static SET_CHECK: Statement = Statement::new(
    "log_day_set",
    "INSERT INTO log_day (name, day, value) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET day = excluded.day, value = excluded.value \
     WHERE log_day.day < excluded.day RETURNING day",
    &[Type::Text, Type::Int, Type::Bytes],
);
static FORGET_CHECK: Statement =
    Statement::new("log_day_forget", "DELETE FROM log_day WHERE name = $1 RETURNING 1", &[Type::Text]);

pub(crate) static ALL: &[&Statement] = &[&INSERT, &OF_SPAN, &DELETE_OLD, &CHECK, &SET_CHECK, &FORGET_CHECK];

const NAME: &str = "days";

impl Store {
    /// The keys of the log's days; [`KeyError::NoDayKeys`] where this process has none.
    pub fn day_keys(&self) -> Result<&Arc<DayKeys>, StoreError> {
        self.days().ok_or(StoreError::Key(KeyError::NoDayKeys))
    }

    /// Whether some node has noted already which day keys the house uses.
    pub async fn has_log_days(&self) -> Result<bool, StoreError> {
        Ok(self.noted_check().await?.is_some())
    }

    /// Whether `days` are the house's day keys. Notes them if none are noted yet, and for today, so that every node can compare for
    /// as long as it can read today.
    pub async fn agree_on_log_days(&self, days: &DayKeys) -> Result<bool, StoreError> {
        let today = self.world().now().day();
        loop {
            let noted = self.noted_check().await?;
            if let Some((day, value)) = &noted {
                // A file that begins later than the note can't be told from another's.
                match days.check(*day) {
                    Ok(check) if types::ct_eq(&check, value) => {}
                    Ok(_) | Err(KeyError::Shredded) => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
                if *day >= today {
                    return Ok(true);
                }
            }
            let mut tx = self.engine().begin().await?;
            let set = !tx.run(&SET_CHECK, values![NAME, today, days.check(today)?.to_vec()]).await?.is_empty();
            tx.commit().await?;
            if set && noted.is_some() {
                return Ok(true);
            }
            // The first note: another node's may have been first, so it is read back.
        }
    }

    /// Forgets which day keys the house uses: after a restore on a machine that has others.
    pub async fn forget_log_days(&self) -> Result<(), StoreError> {
        let mut tx = self.engine().begin().await?;
        tx.run(&FORGET_CHECK, values![NAME]).await?;
        tx.commit().await
    }

    async fn noted_check(&self) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let rows = self.engine().read(vec![(&CHECK, values![NAME])]).await?;
        let Some(row) = rows.into_iter().flatten().next() else { return Ok(None) };
        let mut columns = row.read();
        Ok(Some((columns.take()?, columns.take()?)))
    }
}

impl Tenant<'_> {
    /// The segments of the days that a span touches, oldest first; `after` and the order of the span count as in any log.
    pub async fn log_segments(&self, span: &Span) -> Result<Vec<LogSegment>, StoreError> {
        let whole = Span {
            from: Millis(span.from.day().saturating_mul(DAY)),
            to: Millis(Millis(span.to.0.saturating_sub(1)).day().saturating_add(1).saturating_mul(DAY)),
            newest_first: false,
            ..*span
        };
        let (low, high) = whole.bounds();
        let rows = self.read(&OF_SPAN, vec![low, high, span.limit.max(0).into()]).await?;
        let days = self.store.day_keys()?;
        let opened = rows.into_iter().map(|row| {
            let mut columns = row.read();
            let (id, day, wrapped): (SegmentId, i64, Vec<u8>) = (columns.take()?, columns.take()?, columns.take()?);
            let header = match days.unwrap(self.id, id, day, &wrapped) {
                Ok(header) => Some(header.expose().to_vec()),
                Err(KeyError::Shredded) => None,
                Err(error) => return Err(StoreError::Key(error)),
            };
            Ok(LogSegment { id, day, header })
        });
        opened.collect()
    }

    /// Writes the header of a segment, in a transaction of its own: it must stand before the first row that needs it.
    pub async fn add_log_segment(&self, id: SegmentId, day: i64, header: &[u8]) -> Result<(), StoreError> {
        let random = self.store.world().random.as_ref();
        let wrapped = self.store.day_keys()?.wrap(self.id, id, day, header, random)?;
        let mut tx = self.begin().await?;
        tx.run(&INSERT, values![id, day, wrapped]).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Deletes at most `limit` segments of days before the one of `before`, oldest first; gives how many.
    pub async fn delete_log_segments(&mut self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        let day = Millis(before.day().saturating_mul(DAY));
        let params = vec![Value::Id(floor(day)), limit.max(0).into()];
        Ok(self.run(&DELETE_OLD, params).await?.len())
    }
}
