//! The program, started and stopped by a test.

use std::{
    fs::File,
    net::TcpListener,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// The program, serving with an authority of its own until it is dropped.
pub(crate) struct Serving {
    pub(crate) process: Child,
    pub(crate) port: u16,
    pub(crate) dir: Arc<tempfile::TempDir>,
}

impl Serving {
    pub(crate) fn start() -> Self {
        Self::on(None)
    }

    /// On a socket that is handed over as a service manager does, or on one of its own.
    pub(crate) fn on(socket: Option<&TcpListener>) -> Self {
        Self::again(Arc::new(tempfile::tempdir().expect("a directory")), socket)
    }

    /// As [`Serving::on`], where one has served before.
    pub(crate) fn again(dir: Arc<tempfile::TempDir>, socket: Option<&TcpListener>) -> Self {
        // The program says in its log which port it got.
        let log = File::create(dir.path().join("log")).expect("a log");
        let mut command = countersign(&["serve"]);
        if let Some(socket) = socket {
            // Handed-over sockets begin at the third file, and are meant for one process only.
            command = Command::new("sh");
            command
                .args(["-c", "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve"])
                .arg(env!("CARGO_BIN_EXE_countersign"))
                .stdin(Stdio::from(OwnedFd::from(socket.try_clone().expect("another handle"))));
        }
        let process = command
            .current_dir(dir.path())
            .env("COUNTERSIGN_SERVER__LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_SERVER__API_HOSTS", "api-1.example.com,*.mfa.example.com")
            .env("COUNTERSIGN_LOG__FORMAT", "json")
            .stderr(log)
            .spawn()
            .expect("the program");
        let mut serving = Self { process, port: 0, dir };
        serving.port = wait_for("the port", || {
            let log = serving.log();
            let (_, rest) = log.split_once("\"address\":\"127.0.0.1:")?;
            rest.split('"').next()?.parse().ok()
        });
        serving
    }

    /// Waits for its end; what it kept is kept.
    pub(crate) fn ended(mut self) -> Arc<tempfile::TempDir> {
        let status = wait_for("the end", || self.process.try_wait().expect("asked"));
        assert!(status.success(), "{status}: {}", self.log());
        self.dir.clone()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("the log")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("countersign-data/tls").join(name)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, with nothing of this process's environment that it would read.
pub(crate) fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a program to its end: whether it was content, and all it said.
pub(crate) fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + Duration::from_secs(20);
    while now() < deadline {
        if let Some(found) = condition() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not in twenty seconds");
}

#[expect(clippy::disallowed_methods, reason = "it waits for another process, whose time is the real one")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
