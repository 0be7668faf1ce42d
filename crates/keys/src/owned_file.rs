//! Files that only their owner may read, replaced whole or not at all.

use crate::KeyError;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What was tried with a file, and why it failed.
pub(crate) fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { path, doing, source }
}

/// The whole file, which must be its owner's alone and no longer than `most` bytes; `what` names it where it isn't a text.
pub(crate) fn read(path: &Path, most: u64, what: &'static str) -> Result<Zeroizing<String>, KeyError> {
    let file = File::open(path).map_err(failed(path, "open"))?;
    // Asked of the open file, so that nobody can exchange it between the question and the reading.
    let meta = file.metadata().map_err(failed(path, "examine"))?;
    if meta.mode() & 0o077 != 0 {
        return Err(KeyError::Permissions { path: path.to_owned(), mode: meta.mode() & 0o777 });
    }
    if !meta.is_file() || meta.len() > most {
        return Err(KeyError::Malformed(what));
    }
    // One byte more, so that reading to the end doesn't grow it and leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
    match file.take(most).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(KeyError::Malformed(what)),
        Err(error) => Err(failed(path, "read")(error)),
    }
}

/// Held while the file is made or changed, so that of two processes the second sees what the first did. The lock is on the directory: a
/// lock on the file itself would be lost when the file is replaced.
pub(crate) fn lock_directory(path: &Path) -> Result<File, KeyError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let handle = File::open(directory).map_err(failed(path, "open the directory of"))?;
    handle.lock().map_err(failed(path, "lock the directory of"))?;
    Ok(handle)
}

/// Writes beside the file, makes it durable, and moves it into place.
pub(crate) fn replace(path: &Path, text: &str, directory: &File) -> Result<(), KeyError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // What a crash has left: under the lock it belongs to nobody.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, "write beside")(error)),
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        directory.sync_all()
    };
    write().map_err(failed(path, "write"))
}
