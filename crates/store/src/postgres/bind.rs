//! Values to PostgreSQL and back.

use crate::engine::{Row, Statement, StoreError, Type, Value};
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::{
    Client,
    error::SqlState,
    types::{IsNull, ToSql, Type as Wire, to_sql_checked},
};
use uuid::Uuid;

impl ToSql for Value {
    fn to_sql(&self, wire: &Wire, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql(wire, out),
            Self::Text(value) => value.to_sql(wire, out),
            Self::Bytes(value) => value.to_sql(wire, out),
            Self::Id(value) => value.to_sql(wire, out),
        }
    }

    fn accepts(wire: &Wire) -> bool {
        [Wire::INT8, Wire::TEXT, Wire::BYTEA, Wire::UUID].contains(wire)
    }

    to_sql_checked!();
}

/// A prepared statement with the parameters of one execution: values, or a column of values for each parameter of a set.
pub(super) struct Piece {
    name: &'static str,
    prepared: tokio_postgres::Statement,
    params: Params,
}

enum Params {
    Values(Vec<Value>),
    Columns(Vec<Vec<Value>>),
}

impl Piece {
    /// The executions for `params`: one over all rows of a set, or one for each row.
    pub(super) fn of(
        statement: &'static Statement,
        prepared: &tokio_postgres::Statement,
        params: Vec<Value>,
    ) -> Vec<Self> {
        let piece = |params| Self { name: statement.name, prepared: prepared.clone(), params };
        let width = statement.params.len();
        if width == 0 || (params.len() == width && !statement.is_set()) {
            return vec![piece(Params::Values(params))];
        }
        let rows = params.len() / width;
        let mut values = params.into_iter();
        if statement.is_set() {
            let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(rows)).collect();
            for _ in 0..rows {
                for (column, value) in columns.iter_mut().zip(values.by_ref()) {
                    column.push(value);
                }
            }
            return vec![piece(Params::Columns(columns))];
        }
        (0..rows).map(|_| piece(Params::Values(values.by_ref().take(width).collect()))).collect()
    }

    async fn run(&self, client: &Client) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let params: Vec<&(dyn ToSql + Sync)> = match &self.params {
            Params::Values(values) => values.iter().map(|value| value as _).collect(),
            Params::Columns(columns) => columns.iter().map(|column| column as _).collect(),
        };
        client.query(&self.prepared, &params).await.map_err(|error| failure(self.name, &error))
    }
}

/// The types of `$1` to `$n`; of arrays where the statement takes a set.
pub(super) fn types(statement: &'static Statement) -> Vec<Wire> {
    let of = |param: &Type| match (param, statement.is_set()) {
        (Type::Int, false) => Wire::INT8,
        (Type::Text, false) => Wire::TEXT,
        (Type::Bytes, false) => Wire::BYTEA,
        (Type::Id, false) => Wire::UUID,
        (Type::Int, true) => Wire::INT8_ARRAY,
        (Type::Text, true) => Wire::TEXT_ARRAY,
        (Type::Bytes, true) => Wire::BYTEA_ARRAY,
        (Type::Id, true) => Wire::UUID_ARRAY,
    };
    statement.params.iter().map(of).collect()
}

/// The same as text, for `PREPARE`.
pub(super) fn type_names(statement: &'static Statement) -> String {
    let names: Vec<_> = types(statement).iter().map(|wire| wire.name().to_owned()).collect();
    if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) }
}

/// Runs the pieces one after the other, all on the wire at once.
pub(super) async fn run(client: &Client, pieces: Vec<Piece>) -> Result<Vec<Row>, StoreError> {
    let answers = pieces.iter().map(|piece| piece.run(client));
    let mut out = Vec::new();
    for rows in futures_util::future::try_join_all(answers).await? {
        for row in rows {
            let values = (0..row.len()).map(|place| column(&row, place)).collect::<Result<_, _>>()?;
            out.push(Row(values));
        }
    }
    Ok(out)
}

fn column(row: &tokio_postgres::Row, place: usize) -> Result<Value, StoreError> {
    let wrong = |_| StoreError::Column { place, wanted: "stored type" };
    let wire = row.columns().get(place).map(|column| column.type_().clone());
    Ok(match wire {
        Some(Wire::INT8) => row.try_get::<_, Option<i64>>(place).map_err(wrong)?.into(),
        Some(Wire::INT4) => row.try_get::<_, Option<i32>>(place).map_err(wrong)?.map(i64::from).into(),
        Some(Wire::BOOL) => row.try_get::<_, Option<bool>>(place).map_err(wrong)?.into(),
        Some(Wire::TEXT | Wire::VARCHAR) => row.try_get::<_, Option<String>>(place).map_err(wrong)?.into(),
        Some(Wire::BYTEA) => row.try_get::<_, Option<Vec<u8>>>(place).map_err(wrong)?.into(),
        Some(Wire::UUID) => row.try_get::<_, Option<Uuid>>(place).map_err(wrong)?.map_or(Value::Null, Value::Id),
        _ => return Err(StoreError::Column { place, wanted: "stored type" }),
    })
}

/// An error in our words. PostgreSQL's detail can quote parameters, so only its state and message are kept.
pub(super) fn failure(statement: &'static str, error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        None => StoreError::Unavailable(error.to_string()),
        Some(cause) if *cause.code() == SqlState::UNIQUE_VIOLATION => StoreError::Duplicate,
        // What `CREATE TABLE IF NOT EXISTS` answers to one of two who make it at the same moment: the table, or its row's type, is there.
        Some(cause) if [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT].contains(cause.code()) => {
            StoreError::Duplicate
        }
        Some(cause) => {
            let code = cause.code().code();
            // Class 57: shut down, cancelled. 53: no resources. 08: connection. 40: deadlock, serialization. 55P03: lock timeout. 25P03: idle timeout.
            if ["57", "53", "08", "40"].iter().any(|class| code.starts_with(class))
                || code == "55P03"
                || code == "25P03"
            {
                StoreError::Unavailable(format!("{code} {}", cause.message()))
            } else {
                StoreError::Statement { statement, cause: format!("{code} {}", cause.message()) }
            }
        }
    }
}
