//! The server as a process: started until it answers, stopped, killed with all its children at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How often a condition is looked at, and the step of every limit below.
const STEP: Duration = Duration::from_millis(10);
/// A start may have to replay the log of a crash on a busy machine: two minutes.
const STEPS_TO_START: u32 = 12_000;
/// A stop writes everything out: one minute.
const STEPS_TO_STOP: u32 = 6_000;

/// A running postmaster.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// Starts `command` (a `postgres` over `data`) and returns when it takes connections.
    ///
    /// # Errors
    /// It ended, or didn't answer in time; the end of `log` is in the error.
    pub(super) fn start(mut command: Command, data: &Path, log: &Path) -> Result<Self> {
        let file = fs::File::create(log).with_context(|| log.display().to_string())?;
        let errors = file.try_clone()?;
        let child =
            command.stdin(Stdio::null()).stdout(file).stderr(errors).spawn().context("postgres can't be started")?;
        let mut server = Self { child };
        for _ in 0..STEPS_TO_START {
            if let Some(status) = server.child.try_wait()? {
                bail!("postgres ended ({status}): {}", tail(log));
            }
            if is_ready(data, server.child.id()) {
                return Ok(server);
            }
            sleep(STEP);
        }
        // The guard over the directory stops what is left of it.
        bail!("postgres doesn't answer: {}", tail(log))
    }

    /// Stops the server in order: transactions are rolled back, everything is written out.
    pub(super) fn stop(mut self) -> Result<()> {
        signal("INT", &[self.child.id()])?;
        for _ in 0..STEPS_TO_STOP {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            sleep(STEP);
        }
        bail!("postgres doesn't stop")
    }

    /// Kills the postmaster and all its children with SIGKILL, as a power cut would; returns when they are gone.
    pub(super) fn kill9(mut self) -> Result<()> {
        let postmaster = self.child.id();
        // Stopped first, or it could start a child between the look and the kill.
        signal("STOP", &[postmaster])?;
        let children = children_of(postmaster)?;
        let mut all = vec![postmaster];
        all.extend(&children);
        let killed = signal("KILL", &all);
        self.child.wait()?;
        for _ in 0..STEPS_TO_STOP {
            if !children.iter().any(|pid| is_alive(*pid)) {
                return Ok(());
            }
            sleep(STEP);
        }
        killed?;
        bail!("a child of postgres survives SIGKILL")
    }

    /// Waits for the end of a server that somebody else has stopped, so that no zombie stays.
    pub(super) fn reap(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The postmaster writes its process id into line 1 and its state into line 8 of `postmaster.pid`.
fn is_ready(data: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines();
    lines.next().map(str::trim) == Some(pid.to_string().as_str()) && lines.nth(6).map(str::trim) == Some("ready")
}

/// Sends a signal by the shell's own `kill`: the standard library has SIGKILL only.
fn signal(name: &str, pids: &[u32]) -> Result<()> {
    let output = Command::new("/bin/sh")
        .args(["-c", r#"signal=$1; shift; kill -s "$signal" "$@""#, "sh", name])
        .args(pids.iter().map(u32::to_string))
        .output()
        .context("/bin/sh for kill")?;
    if !output.status.success() {
        bail!("kill -s {name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn children_of(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if state_and_parent(pid).is_some_and(|(_, its_parent)| its_parent == parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// A zombie is dead: whoever has inherited it may take its time.
fn is_alive(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// Fields 3 and 4 of `/proc/<pid>/stat`; field 2 is the name in parentheses and may hold anything.
fn state_and_parent(pid: u32) -> Option<(String, u32)> {
    let path: PathBuf = ["/proc", &pid.to_string(), "stat"].iter().collect();
    let stat = fs::read_to_string(path).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, fields.next()?.parse().ok()?))
}

/// The last lines of the server's log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(10);
    lines.get(start..).unwrap_or_default().join("\n")
}
