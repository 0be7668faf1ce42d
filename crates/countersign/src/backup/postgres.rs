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
    /// Where the way is encrypted: the authorities that the tools trust. They would go on in clear or unverified by themselves.
    authorities: Option<String>,
}

/// The system's authorities, for tools too old to know `system`.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Server {
    /// Takes the password out of `postgres://user:password@host/database?password=…`.
    pub(super) fn of(url: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let Ok(mut url) = reqwest::Url::parse(url) else { bail!("store.url can't be read") };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut password = url.password().map(decoded);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        url.set_query(None);
        let (mut asked, mut clear) = (false, false);
        for (name, value) in pairs {
            if name == "password" {
                password = Some(value);
            } else if name == "sslmode" && value != "disable" {
                asked |= value == "require";
            } else {
                clear |= name == "sslmode";
                url.query_pairs_mut().append_pair(&name, &value);
            }
        }
        if url.set_password(None).is_err() {
            bail!("store.url has no host");
        }
        let local = url
            .host_str()
            .is_none_or(|host| matches!(host, "" | "localhost" | "127.0.0.1" | "[::1]") || host.starts_with("%2"));
        let authorities = (asked || !local && !clear).then(|| match ca_file {
            Some(path) => path.display().to_string(),
            None if Path::new(SYSTEM).exists() => SYSTEM.to_owned(),
            None => "system".to_owned(),
        });
        Ok(Self { url: url.to_string(), password, authorities })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(arguments).arg(format!("--dbname={}", self.url)).stdin(Stdio::null());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        if let Some(authorities) = &self.authorities {
            command.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", authorities);
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
        for (url, shown, password, encrypted) in [
            ("postgres://u@h:5/d", "postgres://u@h:5/d", None, true),
            ("postgres://u:p%40ss@h/d?sslmode=require", "postgres://u@h/d", Some("p@ss"), true),
            ("postgres://u@h/d?sslmode=disable", "postgres://u@h/d?sslmode=disable", None, false),
            ("postgres://u@localhost/d?password=%61%26b", "postgres://u@localhost/d", Some("a&b"), false),
            ("postgres://u@127.0.0.1/d?sslmode=require", "postgres://u@127.0.0.1/d", None, true),
        ] {
            let server = Server::of(url, Some(Path::new("/ca.pem"))).unwrap();
            assert_eq!((server.url.as_str(), server.password.as_deref()), (shown, password));
            assert_eq!(server.authorities.as_deref(), encrypted.then_some("/ca.pem"), "{url}");
        }
        assert!(Server::of("sqlite", None).is_err());
    }
}
