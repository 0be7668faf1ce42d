//! Which database engines this run of the tests stands on.
//!
//! `cargo xtask check` sets `COUNTERSIGN_TEST_ENGINES=sqlite`, `cargo xtask test` sets `sqlite,postgres`. Without the
//! variable every engine is wanted: a missing server is then a failure with an explanation, never a silent pass.

use anyhow::{Result, bail};

/// The variable that names the engines, separated by commas.
pub const VARIABLE: &str = "COUNTERSIGN_TEST_ENGINES";

/// An engine that the tests can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, inside the test process: always at hand.
    Sqlite,
    /// A PostgreSQL server of the test's own, see [`crate::postgres::Postgres::shared`].
    Postgres,
}

/// The engines wanted in this run.
///
/// # Errors
/// The variable is empty or names an engine that doesn't exist: a misspelling must not switch tests off.
pub fn wanted() -> Result<Vec<Engine>> {
    match std::env::var(VARIABLE) {
        Ok(list) => parse(&list),
        Err(std::env::VarError::NotPresent) => Ok(vec![Engine::Sqlite, Engine::Postgres]),
        Err(error) => bail!("{VARIABLE}: {error}"),
    }
}

fn parse(list: &str) -> Result<Vec<Engine>> {
    let mut engines = Vec::new();
    for name in list.split(',').map(str::trim) {
        let engine = match name {
            "sqlite" => Engine::Sqlite,
            "postgres" => Engine::Postgres,
            other => bail!("{VARIABLE} names the engine {other:?}; there are sqlite and postgres"),
        };
        if !engines.contains(&engine) {
            engines.push(engine);
        }
    }
    Ok(engines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_their_order_and_once() {
        assert_eq!(parse("sqlite").unwrap(), [Engine::Sqlite]);
        assert_eq!(parse("postgres, sqlite,postgres").unwrap(), [Engine::Postgres, Engine::Sqlite]);
    }

    #[test]
    fn a_misspelt_or_empty_list_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("sqlite,postgre").is_err());
    }
}
