//! A statement: one text for every engine, for one row of parameters or for many.

use super::Type;
use std::{fmt::Write as _, sync::OnceLock};

/// One SQL statement, written once in the intersection of SQLite and PostgreSQL.
///
/// A statement that begins with `WITH input(…) AS (VALUES ($1, …))` works on a set: PostgreSQL gets one statement in which
/// that row of parameters stands as many times as there are rows, SQLite runs the same text once a row. That is what
/// makes a batch of logins cost little more than one.
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

    /// The text for `rows` rows of parameters.
    #[must_use]
    pub fn for_rows(&self, rows: usize) -> String {
        let Some((head, row, tail)) = self.parts().filter(|_| rows > 1) else { return self.sql.to_owned() };
        let width = self.params.len();
        let mut sql = String::with_capacity(self.sql.len() + rows * row.len());
        sql.push_str(head);
        for index in 0..rows {
            sql.push_str(if index == 0 { "(" } else { ", (" });
            for place in 1..=width {
                let comma = if place == 1 { "" } else { ", " };
                // Writing to a String does not fail.
                let _ = write!(sql, "{comma}${}", index * width + place);
            }
            sql.push(')');
        }
        sql.push_str(tail);
        sql
    }

    /// What stands before, in, and after the row of parameters.
    fn parts(&self) -> Option<(&'static str, &'static str, &'static str)> {
        if !self.is_set() {
            return None;
        }
        let (start, end) = (self.sql.find("VALUES (")? + "VALUES ".len(), self.sql.find("))")? + 1);
        Some((self.sql.get(..start)?, self.sql.get(start..end)?, self.sql.get(end..)?))
    }

    /// The text with SQLite's numbered parameters.
    #[must_use]
    pub(crate) fn for_sqlite(&self) -> &str {
        self.sqlite.get_or_init(|| self.sql.replace('$', "?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_repeats_its_row() {
        static S: Statement = Statement::new(
            "s",
            "WITH input(a, b) AS (VALUES ($1, $2)) UPDATE t SET b = input.b FROM input WHERE t.a = input.a",
            &[Type::Int, Type::Int],
        );
        assert_eq!(
            S.for_rows(3),
            "WITH input(a, b) AS (VALUES ($1, $2), ($3, $4), ($5, $6)) UPDATE t SET b = input.b FROM input WHERE t.a = input.a"
        );
        assert_eq!(S.for_rows(1), S.sql);
    }
}
