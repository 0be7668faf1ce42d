//! A statement: one text for every engine, for one row of parameters or for many.

use super::Type;
use std::{fmt::Write as _, sync::OnceLock};

/// One SQL statement, written once in the intersection of SQLite and PostgreSQL.
///
/// A statement that begins with `WITH input(…) AS (VALUES ($1, …))` works on a set: PostgreSQL runs it once over arrays, one
/// for each parameter; SQLite runs the same text once a row. That is what makes a batch of logins cost little more than one.
#[derive(Debug)]
pub struct Statement {
    /// Unique; names the statement in metrics, tests and errors.
    pub name: &'static str,
    /// The text. Parameters are `$1` to `$n`.
    pub sql: &'static str,
    /// The types of `$1` to `$n`.
    pub params: &'static [Type],
    sqlite: OnceLock<String>,
}

impl Statement {
    /// A statement, for a `static`.
    #[must_use]
    pub const fn new(name: &'static str, sql: &'static str, params: &'static [Type]) -> Self {
        Self { name, sql, params, sqlite: OnceLock::new() }
    }

    /// Whether the text takes a set of rows.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.sql.starts_with("WITH input(")
    }

    /// The text over arrays: `$1` to `$n` each hold one column of as many rows as there are. PostgreSQL then needs one prepared
    /// statement, with one plan, for sets of every size. A statement that takes no set stays as it is.
    #[must_use]
    pub fn over_arrays(&self) -> String {
        let Some((head, tail)) = self.parts() else { return self.sql.to_owned() };
        let mut sql = String::with_capacity(self.sql.len() + 32);
        sql.push_str(head);
        sql.push_str("SELECT * FROM UNNEST(");
        for place in 1..=self.params.len() {
            let comma = if place == 1 { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(sql, "{comma}${place}");
        }
        sql.push(')');
        sql.push_str(tail);
        sql
    }

    /// What stands before and after the row of parameters.
    fn parts(&self) -> Option<(&'static str, &'static str)> {
        if !self.is_set() {
            return None;
        }
        let (start, end) = (self.sql.find("VALUES (")?, self.sql.find("))")? + 1);
        Some((self.sql.get(..start)?, self.sql.get(end..)?))
    }

    /// The text with SQLite's numbered parameters.
    #[must_use]
    pub(crate) fn for_sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| as_sqlite_compares(&self.sql.replace('$', "?")))
    }
}

/// SQLite compares by octets and folds A to Z alone, and knows no name for that.
pub(crate) fn as_sqlite_compares(sql: &str) -> String {
    sql.replace(" COLLATE \"C\"", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_takes_a_column_in_each_parameter() {
        static SET: Statement = Statement::new(
            "set",
            "WITH input(a, b) AS (VALUES ($1, $2)) UPDATE t SET b = input.b FROM input WHERE t.a = input.a",
            &[Type::Int, Type::Int],
        );
        static ONE: Statement = Statement::new("one", "UPDATE t SET b = $1 WHERE a = $2", &[Type::Int, Type::Int]);
        assert_eq!(
            SET.over_arrays(),
            "WITH input(a, b) AS (SELECT * FROM UNNEST($1, $2)) UPDATE t SET b = input.b FROM input WHERE t.a = input.a"
        );
        assert_eq!(ONE.over_arrays(), ONE.sql);
    }
}
