//! What the planner must know: a tenant has many rows, anything else that an index names has few.
//!
//! Left to its guesses, SQLite takes ten rows for a tenant and reads all of them by the primary key where an index leads straight to
//! the few that are wanted. Counting (`ANALYZE`) would make plans depend on the day; so the figures are written here, by one rule, and
//! the plan tests see the plans that every deployment gets.

use rusqlite::Connection;

const ROWS: i64 = 10_000_000;
const OF_A_TENANT: i64 = 100_000;
const OF_ANYTHING_ELSE: i64 = 10;

const INDEXES: &str = "SELECT t.name, i.name, i.\"unique\", i.origin = 'pk' AND t.sql LIKE '%WITHOUT ROWID%', \
    (SELECT COUNT(*) FROM pragma_index_info(i.name)), (SELECT name FROM pragma_index_info(i.name) WHERE seqno = 0) \
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Writes the figures for every index that there is, and has every connection read them.
pub(super) fn write(connection: &Connection) -> rusqlite::Result<()> {
    // Only SQLite itself can make its table of figures; this reads no rows.
    connection.execute_batch("ANALYZE sqlite_schema")?;
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("DELETE FROM sqlite_stat1", [])?;
    let mut indexes = transaction.prepare(INDEXES)?;
    let mut rows = indexes.query([])?;
    while let Some(row) = rows.next()? {
        let (table, index): (String, String) = (row.get(0)?, row.get(1)?);
        let (unique, is_table): (bool, bool) = (row.get(2)?, row.get(3)?);
        // A table that is kept in the order of its key goes by its own name.
        let name = if is_table { &table } else { &index };
        let figures = figures(row.get(4)?, row.get::<_, Option<String>>(5)?.as_deref() == Some("tenant"), unique);
        transaction
            .execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?1, ?2, ?3)", [&table, name, &figures])?;
    }
    drop(rows);
    drop(indexes);
    // Other connections read the figures when they see that the schema has changed.
    transaction.execute_batch("CREATE TABLE figures_changed (a); DROP TABLE figures_changed;")?;
    transaction.commit()?;
    connection.execute_batch("ANALYZE sqlite_schema")
}

/// How many rows there are, and how many have the same first column, the same first two, …
fn figures(columns: i64, of_tenant: bool, unique: bool) -> String {
    let mut text = ROWS.to_string();
    for place in 1..=columns {
        let rows = match place {
            _ if place == columns && unique => 1,
            1 if of_tenant => OF_A_TENANT,
            _ => OF_ANYTHING_ELSE,
        };
        text.push_str(&format!(" {rows}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_preferred_to_all_of_a_tenant_also_by_a_connection_that_was_open_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let (writer, reader) = (Connection::open(&path).unwrap(), Connection::open(&path).unwrap());
        writer.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        writer
            .execute_batch(
                "CREATE TABLE t (tenant, id, owner, more, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
                 CREATE INDEX t_by_owner ON t (tenant, owner);",
            )
            .unwrap();
        let plan = || -> String {
            // A statement that runs notices the change; an explanation alone would not.
            reader.query_row("SELECT COUNT(*) FROM t", [], |_| Ok(())).unwrap();
            let sql = "EXPLAIN QUERY PLAN SELECT more FROM t WHERE tenant = ?1 AND owner = ?2";
            reader.query_row(sql, rusqlite::params![1, 2], |row| row.get(3)).unwrap()
        };
        assert!(plan().contains("PRIMARY KEY"), "SQLite guesses right by itself now: this module can go");
        write(&writer).unwrap();
        assert!(plan().contains("t_by_owner (tenant=? AND owner=?)"), "{}", plan());
        write(&writer).unwrap();
        let rows: i64 = reader.query_row("SELECT COUNT(*) FROM sqlite_stat1", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2);
    }

    #[test]
    fn a_whole_unique_key_leads_to_one_row() {
        assert_eq!(figures(3, true, true), "10000000 100000 10 1");
        assert_eq!(figures(2, true, false), "10000000 100000 10");
        assert_eq!(figures(1, true, true), "10000000 1");
    }
}
