//! PostgreSQL's own tools do the work; this hands them the connection without showing the password to the list of processes.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};
use percent_encoding::percent_decode_str;

/// A database, as the tools are told of it.
pub(super) struct Server {
    /// Without a password.
    url: String,
    password: Option<String>,
}

impl Server {
    /// Takes the password out of `postgres://user:password@host/database?password=…`.
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        let Ok(mut url) = reqwest::Url::parse(url) else { bail!("store.url can't be read") };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut password = url.password().map(decoded);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.set_query(None);
        for (name, value) in pairs {
            if name == "password" {
                password = Some(value);
            } else {
                url.query_pairs_mut().append_pair(&name, &value);
            }
        }
        if url.set_password(None).is_err() {
            bail!("store.url has no host");
        }
        Ok(Self { url: url.to_string(), password })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(arguments).arg(format!("--dbname={}", self.url)).stdin(Stdio::null());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        let output = match command.output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "{program} is not installed. A PostgreSQL database is backed up and restored by PostgreSQL's own tools: \
                 on Debian, apt install postgresql-client"
            ),
            output => output.with_context(|| program.to_owned())?,
        };
        if !output.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Writes a consistent copy, in the custom format of `pg_dump`.
    pub(super) fn dump(&self, to: &Path) -> anyhow::Result<()> {
        let file = format!("--file={}", to.display());
        self.run("pg_dump", &["--format=custom", "--no-owner", "--no-privileges", &file]).map(drop)
    }

    /// Whether there are Countersign's tables already.
    pub(super) fn is_taken(&self) -> anyhow::Result<bool> {
        let sql = "SELECT to_regclass('tenant') IS NOT NULL";
        let said = self.run("psql", &["--no-psqlrc", "--tuples-only", "--no-align", "--command", sql])?;
        Ok(said.trim() != "f")
    }

    /// Puts a copy in the place of what is there, all of it or nothing.
    pub(super) fn restore(&self, from: &Path) -> anyhow::Result<()> {
        let from = from.display().to_string();
        let how = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", &from];
        self.run("pg_restore", &how).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_stays_in_what_others_can_see() {
        for (url, shown, password) in [
            ("postgres://u@h:5/d", "postgres://u@h:5/d", None),
            ("postgres://u:p%40ss@h/d?sslmode=require", "postgres://u@h/d?sslmode=require", Some("p@ss")),
            ("postgres://u@h/d?password=%61%26b", "postgres://u@h/d", Some("a&b")),
        ] {
            let server = Server::of(url).unwrap();
            assert_eq!((server.url.as_str(), server.password.as_deref()), (shown, password));
        }
        assert!(Server::of("sqlite").is_err());
    }
}
