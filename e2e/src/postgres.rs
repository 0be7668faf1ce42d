//! A PostgreSQL server of the test's own.

mod process;
mod programs;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::guard::Guard;
use crate::port;
use process::Server;
use programs::{Programs, output};

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether a commit waits for the disk. On by default: what a crash test claims is worth nothing without it.
    pub fsync: bool,
    /// Further settings by the names of `postgresql.conf`, for instance `("max_connections", "300")`.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { fsync: true, settings: Vec::new() }
    }
}

/// A running server. Dropping it stops the server and removes its data; so does the end of this process.
///
/// It listens on 127.0.0.1 only, trusts whoever connects, and its superuser is `postgres`.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    account: Account,
    directory: PathBuf,
    port: port::Reserved,
    options: Options,
    server: Mutex<Option<Server>>,
    databases: AtomicU32,
    /// An `Option` so that the destructor can let it go before it waits for the server.
    guard: Option<Guard>,
}

impl Postgres {
    /// Starts a server with the default [`Options`]; returns when it takes connections.
    ///
    /// # Errors
    /// PostgreSQL isn't installed (the error says what to run), or doesn't start (its log is in the error).
    pub fn start() -> Result<Self> {
        Self::with(Options::default())
    }

    /// Starts a server with these options.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn with(options: Options) -> Result<Self> {
        let programs = Programs::find()?;
        let account = Account::unprivileged()?;
        let directory = fresh_directory()?;
        account.own(&directory)?;
        let guard = Guard::over(&directory, &directory.join("data"), account)?;
        let postgres = Self {
            programs,
            account,
            directory,
            port: port::Reserved::new()?,
            options,
            server: Mutex::new(None),
            databases: AtomicU32::new(0),
            guard: Some(guard),
        };
        output(
            postgres
                .command("initdb")
                .args(["--no-sync", "--no-instructions", "-A", "trust", "-E", "UTF8"])
                .args(["--locale=C", "-U", "postgres", "-D"])
                .arg(postgres.data()),
        )?;
        postgres.restart()?;
        Ok(postgres)
    }

    /// The one server that all tests of this process share; started by the first call.
    ///
    /// Take [`Postgres::fresh_database`] from it, and don't kill it: the other tests are using it.
    ///
    /// # Panics
    /// The server can't be started: no test that asked for it can go on.
    #[expect(clippy::panic, reason = "a fixture for tests: a test without its server must fail")]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|error| panic!("{error:#}")))
    }

    /// The URL of the database `postgres`, which is always there.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The TCP port on 127.0.0.1; it stays the same over [`Postgres::kill9`] and [`Postgres::restart`].
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// The name isn't made of a–z, 0–9 and `_`, is longer than 63, or is taken; the server is down.
    pub fn create_database(&self, name: &str) -> Result<String> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(allowed) {
            bail!("{name:?} can't name a database: a-z, 0-9 and _, at most 63 of them");
        }
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        Ok(self.url_of(name))
    }

    /// Makes an empty database with a name that no other call gives, and returns its URL.
    ///
    /// # Errors
    /// The server is down.
    pub fn fresh_database(&self) -> Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        self.create_database(&format!("fresh_{number}"))
    }

    /// Runs SQL by `psql` and returns the rows, a line each, columns separated by `|`.
    ///
    /// # Errors
    /// The server is down or refuses the statement; its message is in the error.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let port = self.port().to_string();
        output(self.command("psql").args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", database]).args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statements,
        ]))
    }

    /// Kills every process of the server at once with SIGKILL, as a power cut would end them. [`Postgres::restart`]
    /// brings it back on the same data and port.
    ///
    /// # Errors
    /// The server is already down.
    pub fn kill9(&self) -> Result<()> {
        self.take()?.kill9()
    }

    /// Stops the server in order, as an administrator would.
    ///
    /// # Errors
    /// The server is already down, or doesn't stop within a minute.
    pub fn stop(&self) -> Result<()> {
        self.take()?.stop()
    }

    /// Starts the server again after [`Postgres::kill9`] or [`Postgres::stop`]; stops it first when it is running.
    /// Returns when it takes connections, after it has recovered from a crash.
    ///
    /// # Errors
    /// It doesn't start; its log is in the error.
    pub fn restart(&self) -> Result<()> {
        let mut server = self.server();
        if let Some(running) = server.take() {
            running.stop()?;
        }
        let started = Server::start(self.postmaster(), &self.data(), &self.log())?;
        *server = Some(started);
        Ok(())
    }

    /// The file with what the server has written on its standard error since it was last started.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port())
    }

    /// Where its files are: tables, indexes and the write-ahead log. They belong to another account where this process is root's.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        // A test that panicked while it held the lock has left a whole value: every change is one assignment.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Server> {
        self.server().take().context("the PostgreSQL server is already down")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.programs.command(program);
        command.current_dir(&self.directory).stdin(Stdio::null());
        self.account.apply(&mut command);
        command
    }

    fn postmaster(&self) -> Command {
        let fsync = if self.options.fsync { "on" } else { "off" };
        let port = self.port().to_string();
        let mut command = self.command("postgres");
        // An interrupt at the terminal is for the tests; the guard stops the server when they are gone.
        command.process_group(0).arg("-D").arg(self.data());
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", port.as_str()),
            ("unix_socket_directories", ""),
            ("fsync", fsync),
            // In the data directory, so that it goes with it after a kill.
            ("dynamic_shared_memory_type", "mmap"),
            // A hundred racing clients, and the tests beside them.
            ("max_connections", "200"),
        ];
        let further = self.options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(further) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.take());
        if let Some(server) = self.server().take() {
            server.reap();
        }
    }
}

/// A new directory that only its owner may enter, under the system's directory for temporary files.
fn fresh_directory() -> Result<PathBuf> {
    let parent = std::env::temp_dir();
    for number in 0_u32..10_000 {
        let directory = parent.join(format!("countersign-pg-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| directory.display().to_string()),
        }
    }
    bail!("no free name for a directory in {}", parent.display())
}
