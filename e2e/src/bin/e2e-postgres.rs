//! The PostgreSQL fixture for tests that aren't written in Rust.
//!
//! Starts a server and writes its URL on a line. Then it answers each line that it reads with one line: `kill9`,
//! `stop` and `restart` with `done`, `database <name>` with the new database's URL, `files` with the directory of its files after a
//! checkpoint, and anything that fails with `error: …`. It ends, and the server with it, when its standard input ends or when it is killed.

use std::io::{BufRead, Write};

use anyhow::{Result, bail};
use countersign_e2e::postgres::Postgres;

fn main() -> Result<()> {
    let postgres = Postgres::start()?;
    let mut answers = std::io::stdout().lock();
    writeln!(answers, "{}", postgres.url())?;
    for line in std::io::stdin().lock().lines() {
        match obey(&postgres, line?.trim()) {
            Ok(answer) => writeln!(answers, "{answer}")?,
            Err(error) => writeln!(answers, "error: {}", format!("{error:#}").replace('\n', " / "))?,
        }
    }
    Ok(())
}

fn obey(postgres: &Postgres, command: &str) -> Result<String> {
    match command.split_once(' ').unwrap_or((command, "")) {
        ("kill9", "") => postgres.kill9()?,
        ("stop", "") => postgres.stop()?,
        ("restart", "") => postgres.restart()?,
        ("database", name) => return postgres.create_database(name),
        ("files", "") => {
            postgres.sql("postgres", "CHECKPOINT")?;
            return Ok(postgres.data().display().to_string());
        }
        _ => bail!("the commands are kill9, stop, restart, files and database <name>"),
    }
    Ok("done".to_owned())
}
