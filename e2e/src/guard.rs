//! The end of a fixture: its processes stop and its directory goes, however the test process ends.
//!
//! A destructor doesn't run when a test process is killed, and never for a `static`. A parent-death signal follows
//! the *thread* that started the child, and the test harness ends its threads early. So each fixture has a guard: a
//! small shell that reads from a pipe whose only writer is the test process. When that process is gone (or drops the
//! guard), the read ends, and the shell cleans up.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::account::Account;

/// Processes are found by an argument of their command line, not by a process id that was written down: an id can be
/// stale and belong to somebody else by now. The pattern goes to grep on its standard input, or grep would find itself.
const SCRIPT: &str = r#"
read -r _
found() { printf '%s\n' "$MARK" | grep -lszxF -f - /proc/[0-9]*/cmdline; }
round=0
while files=$(found); [ -n "$files" ] && [ "$round" -lt 150 ]; do
    if [ "$round" -eq 0 ]; then signal=QUIT; elif [ "$round" -ge 70 ]; then signal=KILL; else signal=; fi
    for file in $files; do
        pid=${file#/proc/}; pid=${pid%/cmdline}
        [ -z "$signal" ] || kill -s "$signal" "$pid" 2>/dev/null
    done
    round=$((round + 1))
    sleep 0.1
done
# A postmaster that was killed leaves its small System V segment; line 7 of its file has the segment's id.
if [ -f "$MARK/postmaster.pid" ]; then
    segment=$(sed -n '7s/.* //p' "$MARK/postmaster.pid")
    [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null
fi
rm -rf -- "$DIRECTORY"
"#;

/// Stops what it guards when it is dropped or when this process ends in whatever way.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
}

impl Guard {
    /// Guards `directory` and every process that has `mark` (a path inside it) as one whole argument.
    ///
    /// # Errors
    /// The shell can't be started.
    pub fn over(directory: &Path, mark: &Path, account: Account) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT])
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DIRECTORY", directory)
            .env("MARK", mark)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Outside the terminal's group: an interrupt must end the tests, not the one who cleans up after them.
            .process_group(0);
        account.apply(&mut command);
        let shell = command.spawn().context("/bin/sh for the guard")?;
        Ok(Self { shell })
    }

    fn release(&mut self) -> io::Result<()> {
        drop(self.shell.stdin.take());
        self.shell.wait().map(drop)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nothing can be reported from here; the shell goes on by itself if it can't be waited for.
        let _ = self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that stays until it is signalled and has `argument` on its command line.
    fn process(argument: &Path) -> Child {
        Command::new("/bin/sh").args(["-c", "read -r _"]).arg(argument).stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_dropped_guard_ends_its_processes_and_no_others_and_removes_its_directory() {
        let directory = std::env::temp_dir().join(format!("countersign-guard-{}", std::process::id()));
        let mark = directory.join("data");
        std::fs::create_dir_all(&mark).unwrap();
        let guard = Guard::over(&directory, &mark, Account::Same).unwrap();
        let mut guarded = process(&mark);
        let mut stranger = process(&mark.join("longer"));
        drop(guard);
        assert!(!directory.exists());
        // Not `wait`: it would close the pipe and so end the process by itself.
        assert!(guarded.try_wait().unwrap().is_some());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
