//! Values to SQLite and back.

use crate::engine::{Row, Statement, StoreError, Value};
use rusqlite::{
    Connection, ErrorCode,
    types::{ToSqlOutput, ValueRef},
};

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
            Self::Id(value) => ValueRef::Blob(value.as_bytes()),
        }))
    }
}

/// Runs `statement` once for each row of `params`.
pub(super) fn run(
    connection: &Connection,
    statement: &'static Statement,
    params: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let failed = |error: rusqlite::Error| failure(statement.name, &error);
    let mut prepared = connection.prepare_cached(statement.for_sqlite()).map_err(failed)?;
    let columns = prepared.column_count();
    let mut out = Vec::new();
    let width = statement.params.len();
    let sets = if width == 0 { vec![&[][..]] } else { params.chunks(width).collect() };
    for set in sets {
        let mut rows = prepared.query(rusqlite::params_from_iter(set)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let mut values = Vec::with_capacity(columns);
            for place in 0..columns {
                values.push(match row.get_ref(place).map_err(failed)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(value) => Value::Int(value),
                    ValueRef::Real(_) => return Err(StoreError::Column { place, wanted: "stored type" }),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                });
            }
            out.push(Row(values));
        }
    }
    Ok(out)
}

pub(super) fn failure(statement: &'static str, error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.extended_code,
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            StoreError::Duplicate
        }
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.code,
                ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen
            ) =>
        {
            StoreError::Unavailable(error.to_string())
        }
        _ => StoreError::Statement { statement, cause: error.to_string() },
    }
}
