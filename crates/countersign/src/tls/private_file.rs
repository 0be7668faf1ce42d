//! Files that hold private keys: for the owner's eyes only, and never half-written.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// Makes a directory that only its owner may enter, and those above it. One that exists is left as it is.
///
/// # Errors
/// The system's.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that doesn't exist yet. Of several processes that try at once, one does; the others are told `false`.
///
/// # Errors
/// The system's.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let draft = draft(path, bytes)?;
    // A link, unlike a rename, doesn't take the place of a file that is there.
    let linked = match fs::hard_link(&draft, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    };
    let _ = fs::remove_file(&draft);
    sync_dir(path)?;
    linked
}

/// Writes a file, in place of the one that may be there.
///
/// # Errors
/// The system's.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft(path, bytes)?;
    fs::rename(&draft, path).inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })?;
    sync_dir(path)
}

fn draft(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    static DRAFTS: AtomicU32 = AtomicU32::new(0);
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.draft", std::process::id()));
    let draft = path.with_file_name(name);
    // Left over from a process of the same number that was killed here.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_of_many_creates_and_only_the_owner_reads() {
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join("a/b");
        make_dir(&inner).expect("make");
        make_dir(&inner).expect("again");
        assert_eq!(fs::metadata(&inner).expect("meta").permissions().mode() & 0o777, 0o700);
        let path = inner.join("key");
        let created: Vec<bool> = std::thread::scope(|scope| {
            let path = &path;
            let tries: Vec<_> = (0..16)
                .map(|i| scope.spawn(move || create(path, format!("{i}").as_bytes()).expect("create")))
                .collect();
            tries.into_iter().map(|handle| handle.join().expect("join")).collect()
        });
        assert_eq!(created.iter().filter(|created| **created).count(), 1);
        assert_eq!(fs::metadata(&path).expect("meta").permissions().mode() & 0o777, 0o600);
        replace(&path, b"new").expect("replace");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::metadata(&path).expect("meta").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&inner).expect("list").count(), 1, "no draft is left behind");
    }
}
