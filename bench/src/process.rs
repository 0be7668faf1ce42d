//! What a process has taken of the machine, read from `/proc`.

use anyhow::{Context, Result};
use std::{path::PathBuf, time::Duration};

/// Ticks of `/proc/<pid>/stat` in a second: fixed in Linux's interface to programs.
const TICKS: u64 = 100;

/// CPU time that a process has used, user and system together.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let fields = stat(pid)?;
    let number = |place: usize| -> Result<u64> { Ok(fields.get(place).context("a short stat")?.parse()?) };
    // Behind the name: state is field 3 of the manual, utime 14, stime 15.
    Ok(Duration::from_millis((number(11)? + number(12)?) * 1000 / TICKS))
}

/// CPU time of a process and of all its children that live or have been waited for.
pub(crate) fn cpu_of_family(pid: u32) -> Result<Duration> {
    let fields = stat(pid)?;
    let number = |place: usize| -> Result<u64> { Ok(fields.get(place).context("a short stat")?.parse()?) };
    let mut sum = cpu(pid)? + Duration::from_millis((number(13)? + number(14)?) * 1000 / TICKS);
    for entry in std::fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end between the listing and the look.
        let Ok(fields) = stat(child) else { continue };
        if fields.get(1).is_some_and(|parent| *parent == pid.to_string()) {
            sum += cpu(child).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// Resident memory, MiB.
pub(crate) fn memory(pid: u32) -> Result<f64> {
    let path = PathBuf::from(format!("/proc/{pid}/status"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// The fields of `/proc/<pid>/stat` behind the name, which may hold spaces.
fn stat(pid: u32) -> Result<Vec<String>> {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (_, rest) = text.rsplit_once(')').context("a stat without a name")?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_a_time() {
        let own = std::process::id();
        assert!(memory(own).unwrap() > 0.5);
        // In this order: time goes on between the two looks.
        let alone = cpu(own).unwrap();
        assert!(cpu_of_family(own).unwrap() >= alone);
    }
}
