//! Where PostgreSQL's programs are.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The directory with `initdb`, `postgres` and `psql`.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Debian keeps the programs of each major version in a directory of its own, off the PATH; others have them on it.
    pub(super) fn find() -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::find_in(Path::new("/usr/lib/postgresql"), &path)
    }

    fn find_in(versions: &Path, path: &OsStr) -> Result<Self> {
        let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir(versions)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().to_str()?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        debian.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let directories = debian.into_iter().map(|(_, directory)| directory).chain(std::env::split_paths(path));
        for directory in directories {
            let all = ["initdb", "postgres", "psql"];
            if all.iter().all(|name| directory.join(name).is_file()) {
                return Ok(Self { directory });
            }
        }
        bail!(
            "PostgreSQL isn't installed: no initdb, postgres and psql under {} or on the PATH. \
             `cargo xtask test` installs it; `cargo xtask check` runs the tests that do without it.",
            versions.display()
        )
    }

    /// A command with an environment in which no setting of the person at the keyboard reaches the server.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.directory.join(name));
        command.env_clear().env("PATH", &self.directory).env("LC_ALL", "C").env("TZ", "UTC");
        command
    }
}

/// Runs `command` to its end and returns what it wrote on its standard output.
///
/// # Errors
/// It can't be started, or ends with another status than 0; what it wrote on its standard error is in the error.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.output().with_context(|| name.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{name}: {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_postgresql_the_error_says_what_to_run() {
        let nowhere = Path::new("/nonexistent");
        let error = Programs::find_in(nowhere, OsStr::new("/nonexistent/bin")).unwrap_err();
        assert!(error.to_string().contains("cargo xtask test"), "{error}");
    }

    #[test]
    fn the_newest_version_is_taken() {
        let root = std::env::temp_dir().join(format!("countersign-programs-{}", std::process::id()));
        for version in ["9", "15", "17"] {
            let bin = root.join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            // 17 is incomplete: as a client package without its server would leave it.
            let names: &[&str] = if version == "17" { &["psql"] } else { &["initdb", "postgres", "psql"] };
            for name in names {
                std::fs::write(bin.join(name), "").unwrap();
            }
        }
        let found = Programs::find_in(&root, OsStr::new("")).unwrap();
        assert_eq!(found.directory, root.join("15/bin"));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
