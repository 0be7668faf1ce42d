//! What goes into a statement and comes out of it, the same on both engines.

use super::StoreError;
use types::{Id, Kind, Millis};
use uuid::Uuid;

/// One parameter or one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT: numbers, milliseconds, and 0 or 1 for a flag.
    Int(i64),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
    /// UUID.
    Id(Uuid),
}

/// The type of a parameter; PostgreSQL must be told where a statement doesn't say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BYTEA.
    Bytes,
    /// UUID.
    Id,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}
impl From<Millis> for Value {
    fn from(value: Millis) -> Self {
        Self::Int(value.0)
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<[u8; 32]> for Value {
    fn from(value: [u8; 32]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl<K: Kind> From<Id<K>> for Value {
    fn from(value: Id<K>) -> Self {
        Self::Id(value.uuid())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of one row, or of many rows one after the other.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::engine::Value::from($value)),*] };
}

/// One row of an answer; columns are taken in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// Reads the columns from the first on.
    #[must_use]
    pub fn read(self) -> Columns {
        Columns { values: self.0.into_iter(), place: 0 }
    }
}

/// The columns of one row, taken one after the other in the order of the statement.
pub struct Columns {
    values: std::vec::IntoIter<Value>,
    place: usize,
}

impl Columns {
    /// The next column as [`Take`] says; an error names its place.
    pub fn take<T: Take>(&mut self) -> Result<T, StoreError> {
        let place = self.place;
        self.place += 1;
        self.values.next().and_then(T::take).ok_or(StoreError::Column { place, wanted: std::any::type_name::<T>() })
    }
}

/// A type that a column can be read as.
pub trait Take: Sized {
    /// The value, or nothing when the column holds something else.
    fn take(value: Value) -> Option<Self>;
}

impl Take for i64 {
    fn take(value: Value) -> Option<Self> {
        if let Value::Int(value) = value { Some(value) } else { None }
    }
}
impl Take for bool {
    fn take(value: Value) -> Option<Self> {
        if let Value::Int(value) = value { Some(value != 0) } else { None }
    }
}
impl Take for Millis {
    fn take(value: Value) -> Option<Self> {
        i64::take(value).map(Self)
    }
}
impl Take for String {
    fn take(value: Value) -> Option<Self> {
        if let Value::Text(value) = value { Some(value) } else { None }
    }
}
impl Take for Vec<u8> {
    fn take(value: Value) -> Option<Self> {
        if let Value::Bytes(value) = value { Some(value) } else { None }
    }
}
impl<K: Kind> Take for Id<K> {
    fn take(value: Value) -> Option<Self> {
        match value {
            Value::Id(uuid) => Some(Self::from_uuid(uuid)),
            // SQLite has no type of its own for them.
            Value::Bytes(bytes) => Uuid::from_slice(&bytes).ok().map(Self::from_uuid),
            _ => None,
        }
    }
}
impl<T: Take> Take for Option<T> {
    fn take(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::take(value).map(Some) }
    }
}
