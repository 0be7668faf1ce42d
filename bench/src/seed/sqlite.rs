//! Seeds a SQLite file.

use super::{Rows, TABLES};
use crate::population::Population;
use anyhow::{Context, Result};
use rusqlite::Connection;
use std::path::Path;

/// So many rows are made before they are written.
const PIECE: usize = 20_000;

/// Fills the migrated database at `path`. It is not durable while this runs: a run that is cut short begins anew.
pub(crate) fn fill(path: &Path, population: Population, rows: &Rows) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; BEGIN IMMEDIATE;",
    )?;
    {
        let mut inserts = Vec::new();
        for table in TABLES {
            let marks = vec!["?"; table.columns.len()].join(", ");
            inserts.push(
                connection
                    .prepare(&format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, table.columns()))
                    .with_context(|| table.name)?,
            );
        }
        let mut waiting = Vec::with_capacity(2 * PIECE);
        for tenant in 0..population.tenants {
            rows.of_tenant(population, tenant, &mut waiting)?;
            if waiting.len() >= PIECE || tenant + 1 == population.tenants {
                for (into, values) in waiting.drain(..) {
                    let insert = inserts.get_mut(into as usize).context("a row without a table")?;
                    insert.execute(rusqlite::params_from_iter(values))?;
                }
            }
        }
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}
