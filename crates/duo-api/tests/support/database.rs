//! All that a database holds of a tenant, read past the store.

use countersign_e2e::postgres::Postgres;
use rusqlite::{Connection, types::ValueRef};
use std::{collections::BTreeMap, path::PathBuf};
use types::TenantId;

/// Where a test's rows are.
pub(crate) enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a server.
    Postgres(&'static Postgres, String),
}

/// Each table's rows, each as a text.
pub(crate) type Dump = BTreeMap<String, Vec<String>>;

impl Database {
    /// The URL that opens it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(server, name) => {
                let url = server.url();
                format!("{}/{name}", url.rsplit_once('/').unwrap().0)
            }
        }
    }

    /// A new database on a server.
    pub(crate) fn fresh(server: &'static Postgres) -> Self {
        let url = server.fresh_database().unwrap();
        Self::Postgres(server, url.rsplit('/').next().unwrap().to_owned())
    }

    /// Every row of every table that names `tenant`.
    pub(crate) fn dump(&self, tenant: TenantId) -> Dump {
        let tables = self.tables();
        assert!(tables.len() > 15, "{tables:?}");
        match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path).unwrap();
                let rows = |(table, column): (String, &'static str)| {
                    let sql = format!("SELECT * FROM \"{table}\" WHERE {column} = ?1");
                    let mut statement = connection.prepare(&sql).unwrap();
                    let width = statement.column_count();
                    let rows = statement.query_map([tenant.as_bytes().as_slice()], |row| {
                        let cell = |place| match row.get_ref(place).unwrap() {
                            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                            ValueRef::Blob(bytes) => data_encoding::HEXLOWER.encode(bytes),
                            other => format!("{other:?}"),
                        };
                        Ok((0..width).map(cell).collect::<Vec<_>>().join("|"))
                    });
                    let mut rows: Vec<String> = rows.unwrap().map(Result::unwrap).collect();
                    rows.sort();
                    (table, rows)
                };
                tables.into_iter().map(rows).collect()
            }
            Self::Postgres(server, name) => {
                let one = |(table, column): &(String, &str)| {
                    format!("SELECT '{table}', t::text FROM \"{table}\" t WHERE {column} = '{}'", tenant.uuid())
                };
                let sql = tables.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
                let mut dump: Dump = tables.iter().map(|(table, _)| (table.clone(), Vec::new())).collect();
                for line in server.sql(name, &sql).unwrap().lines() {
                    // A text with a line break goes on in a line without the table's name.
                    let (table, row) = line.split_once('|').unwrap_or(("users", line));
                    dump.entry(table.to_owned()).or_default().push(row.to_owned());
                }
                dump.values_mut().for_each(|rows| rows.sort());
                dump
            }
        }
    }

    /// The tables that belong to tenants, with the column that says whose a row is.
    fn tables(&self) -> Vec<(String, &'static str)> {
        let names: Vec<String> = match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path).unwrap();
                let sql = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'tenant'";
                let mut statement = connection.prepare(sql).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(server, name) => {
                let sql = "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant'";
                server.sql(name, sql).unwrap().lines().map(str::to_owned).collect()
            }
        };
        names.into_iter().map(|name| (name, "tenant")).chain([("tenant".to_owned(), "id")]).collect()
    }

    /// The rows of a query, a line each, columns separated by `|`.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path).unwrap();
                let mut statement = connection.prepare(sql).unwrap();
                let width = statement.column_count();
                let rows = statement.query_map([], |row| {
                    let cell = |place| match row.get_ref(place).unwrap() {
                        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                        ValueRef::Integer(number) => number.to_string(),
                        other => format!("{other:?}"),
                    };
                    Ok((0..width).map(cell).collect::<Vec<_>>().join("|"))
                });
                rows.unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(server, name) => server.sql(name, sql).unwrap().lines().map(str::to_owned).collect(),
        }
    }

    /// Runs a statement on SQLite.
    pub(crate) fn execute(&self, sql: &str) {
        let Self::Sqlite(path) = self else { panic!("not SQLite") };
        Connection::open(path).unwrap().execute_batch(sql).unwrap();
    }

    /// Breaks it, as far as the test's process can: nothing that the login path asks for is there any more.
    pub(crate) fn break_sqlite(&self) {
        self.execute("DROP TABLE users; DROP TABLE attempt; DROP TABLE integration_key;");
    }
}
