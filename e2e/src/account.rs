//! The account under which a fixture's server runs when the tests run as root (PostgreSQL refuses root).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Who the servers run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The tests don't run as root: the servers run as whoever runs the tests.
    Same,
    /// The tests run as root: the servers run as this user and group.
    Other {
        /// Numeric user id.
        uid: u32,
        /// Numeric id of the user's primary group.
        gid: u32,
    },
}

impl Account {
    /// Finds the account: `postgres`, else `nobody`, when the tests run as root.
    ///
    /// # Errors
    /// `/proc` or `/etc/passwd` can't be read, or has neither user.
    pub fn unprivileged() -> Result<Self> {
        let own = fs::metadata("/proc/self").context("/proc/self: the fixtures need Linux")?;
        if own.uid() != 0 {
            return Ok(Self::Same);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
        for name in ["postgres", "nobody"] {
            if let Some((uid, gid)) = find(&passwd, name) {
                return Ok(Self::Other { uid, gid });
            }
        }
        bail!("running as root, and neither `postgres` nor `nobody` is in /etc/passwd")
    }

    /// Makes `command` run under this account, without root's supplementary groups.
    pub fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            // The standard library drops the supplementary groups when root sets a user id.
            command.gid(gid).uid(uid);
        }
    }

    /// Gives `path` to this account.
    ///
    /// # Errors
    /// The owner can't be changed.
    pub fn own(self, path: &Path) -> Result<()> {
        if let Self::Other { uid, gid } = self {
            std::os::unix::fs::chown(path, Some(uid), Some(gid))
                .with_context(|| format!("chown {}", path.display()))?;
        }
        Ok(())
    }
}

/// The user and group ids of `name` in the text of `/etc/passwd`.
fn find(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let gid: u32 = fields.next()?.parse().ok()?;
        (uid != 0).then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        postgres2:x:7:8::/:/bin/sh\n\
        postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n\
        broken:x\n";

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        assert_eq!(find(PASSWD, "postgres"), Some((101, 104)));
        assert_eq!(find(PASSWD, "broken"), None);
        assert_eq!(find(PASSWD, "nobody"), None);
    }

    #[test]
    fn root_is_never_the_answer() {
        assert_eq!(find(PASSWD, "root"), None);
        assert_eq!(find("postgres:x:0:0::/:/bin/sh", "postgres"), None);
    }
}
