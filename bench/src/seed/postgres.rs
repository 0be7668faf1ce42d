//! Seeds a PostgreSQL database, by one COPY for each table.

use super::{Rows, TABLES, table};
use crate::population::Population;
use anyhow::{Context, Result};
use std::pin::Pin;
use store::engine::{Type, Value};
use tokio_postgres::{
    NoTls,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type as Wire},
};

/// Fills the migrated database at `url`.
pub(crate) async fn fill(url: &str, population: Population, rows: &Rows) -> Result<()> {
    let mut writers: Vec<Pin<Box<BinaryCopyInWriter>>> = Vec::new();
    // A COPY keeps its connection busy, so each table has its own.
    let mut clients = Vec::new();
    for table in TABLES {
        let client = connect(url).await?;
        let sink = client.copy_in(&format!("COPY {} ({}) FROM STDIN BINARY", table.name, table.columns())).await?;
        let types: Vec<Wire> = table.columns.iter().map(|(_, kind)| wire(*kind)).collect();
        writers.push(Box::pin(BinaryCopyInWriter::new(sink, &types)));
        clients.push(client);
    }
    let mut waiting = Vec::new();
    for tenant in 0..population.tenants {
        rows.of_tenant(population, tenant, &mut waiting)?;
        for (into, values) in waiting.drain(..) {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value: &Value| value as _).collect();
            let writer = writers.get_mut(into as usize).context("a row without a table")?;
            writer.as_mut().write(&values).await.with_context(|| table(into).map_or("", |table| table.name))?;
        }
    }
    for mut writer in writers {
        writer.as_mut().finish().await?;
    }
    let client = connect(url).await?;
    client.batch_execute("VACUUM (ANALYZE)").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

/// A connection that lives as long as its client.
pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The type as PostgreSQL has it on the wire.
pub(crate) const fn wire(kind: Type) -> Wire {
    match kind {
        Type::Int => Wire::INT8,
        Type::Text => Wire::TEXT,
        Type::Bytes => Wire::BYTEA,
        Type::Id => Wire::UUID,
    }
}
