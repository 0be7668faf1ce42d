//! Pages of lists and logs, and lists over many owners at once.

use crate::{
    engine::{Columns, Statement, StoreError, Value},
    scope::{Record, Tenant},
    values,
};
use types::{Id, Kind, Millis};
use uuid::Uuid;

/// A part of a list, and how long the whole list is.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of this page.
    pub rows: Vec<T>,
    /// How many rows all pages have together.
    pub total: i64,
}

/// Which page of a list, counted in rows.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Rows to pass over.
    pub offset: i64,
    /// Rows to give at most.
    pub limit: i64,
}

/// Which rows of a log: those made in a span of time, in the order of their making.
///
/// The time is in the row's id (UUIDv7), so the primary key serves every span and no log needs an index of its own.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From this moment on.
    pub from: Millis,
    /// Up to, not including, this moment.
    pub to: Millis,
    /// Only what comes after this row in the order asked for: the last row of the page before.
    pub after: Option<Uuid>,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
    /// Rows to give at most.
    pub limit: i64,
}

impl Span {
    /// The first `limit` rows from `from` on, oldest first.
    #[must_use]
    pub const fn new(from: Millis, to: Millis, limit: i64) -> Self {
        Self { from, to, after: None, newest_first: false, limit }
    }

    /// The same span the other way round.
    #[must_use]
    pub const fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// What comes after `id`.
    #[must_use]
    pub const fn after<K: Kind>(self, id: Id<K>) -> Self {
        Self { after: Some(id.uuid()), ..self }
    }

    /// Ids between which, both excluded, the rows lie.
    pub(crate) fn bounds(&self) -> (Value, Value) {
        let (mut low, mut high) = (floor(self.from), floor(self.to));
        match self.after {
            Some(after) if self.newest_first => high = high.min(after),
            Some(after) => low = low.max(after),
            None => {}
        }
        (Value::Id(low), Value::Id(high))
    }
}

/// Lies before every id made at `at` or later and after every id made before: a UUIDv7 always has its version bits.
pub(crate) fn floor(at: Millis) -> Uuid {
    const LAST: u64 = (1 << 48) - 1;
    Uuid::from_u128(u128::from(at.as_u64().min(LAST)) << 80)
}

/// A row under the id of what it belongs to.
impl<K: Kind, T: Record> Record for (Id<K>, T) {
    fn from_columns(columns: &mut Columns) -> Result<Self, StoreError> {
        Ok((columns.take()?, T::from_columns(columns)?))
    }
}

impl Tenant<'_> {
    /// One page of `list` (whose last parameters are LIMIT and OFFSET) with the count that `count` gives for the same `params`.
    pub(crate) async fn page<T: Record>(
        &self,
        list: &'static Statement,
        count: &'static Statement,
        params: Vec<Value>,
        slice: Slice,
    ) -> Result<Page<T>, StoreError> {
        let mut counted = values![self.id];
        counted.extend(params);
        let mut listed = counted.clone();
        // A negative LIMIT is "no limit" to one engine and an error to the other.
        listed.extend(values![slice.limit.max(0), slice.offset.max(0)]);
        let mut answers = self.store.engine().read(vec![(list, listed), (count, counted)]).await?.into_iter();
        let rows = answers.next().unwrap_or_default().into_iter().map(T::from_row).collect::<Result<_, _>>()?;
        let total = answers.next().and_then(|rows| rows.into_iter().next());
        Ok(Page { rows, total: total.map_or(Ok(0), |row| row.read().take())? })
    }

    /// Runs a set statement once over all `owners`; its `$1` is the tenant and its `$2` the owner.
    pub(crate) async fn of_each<K: Kind, T: Record>(
        &self,
        statement: &'static Statement,
        owners: &[Id<K>],
    ) -> Result<Vec<T>, StoreError> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let params = owners.iter().flat_map(|owner| values![self.id, *owner]).collect();
        let answers = self.store.engine().read(vec![(statement, params)]).await?;
        answers.into_iter().flatten().map(T::from_row).collect()
    }

    /// The rows of a log; `oldest` and `newest` take the bounds and a LIMIT and differ in their order.
    pub(crate) async fn span<T: Record>(
        &self,
        oldest: &'static Statement,
        newest: &'static Statement,
        span: &Span,
    ) -> Result<Vec<T>, StoreError> {
        let (low, high) = span.bounds();
        let statement = if span.newest_first { newest } else { oldest };
        self.list(statement, vec![low, high, Value::Int(span.limit.max(0))]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{LogId, World};

    #[test]
    fn a_span_holds_its_first_moment_and_not_its_last() {
        let (world, _) = World::made(Millis(0), 7);
        let make = |at| LogId::new(Millis(at), world.random.as_ref()).uuid();
        let (Value::Id(low), Value::Id(high)) = Span::new(Millis(1000), Millis(2000), 10).bounds() else { panic!() };
        for (at, inside) in [(999, false), (1000, true), (1999, true), (2000, false)] {
            let id = make(at);
            assert_eq!(low < id && id < high, inside, "{at}");
        }
    }

    #[test]
    fn after_moves_the_near_end_and_never_widens_the_span() {
        let (world, _) = World::made(Millis(0), 7);
        let make = |at| LogId::new(Millis(at), world.random.as_ref());
        let span = Span::new(Millis(1000), Millis(2000), 10);
        let inside = make(1500);
        assert_eq!(span.after(inside).bounds().0, Value::Id(inside.uuid()));
        assert_eq!(span.newest_first().after(inside).bounds().1, Value::Id(inside.uuid()));
        assert_eq!(span.after(make(1)).bounds(), span.bounds());
        assert_eq!(span.newest_first().after(make(9000)).bounds(), span.bounds());
    }

    #[test]
    fn times_beyond_what_an_id_can_hold_are_cut() {
        assert_eq!(floor(Millis(-5)), Uuid::nil());
        assert_eq!(floor(Millis(i64::MAX)), floor(Millis((1 << 48) - 1)));
    }
}
