//! The tar file: written so that it is there whole or not at all, and read so that nothing is believed before its hash is right.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufReader, BufWriter, Read, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{Context as Hash, SHA256};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{FORMAT, MANIFEST, Manifest, Temporary};

/// No manifest is longer.
const LONGEST_MANIFEST: u64 = 1024 * 1024;
const CHUNK: usize = 128 * 1024;

/// A file that goes in.
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
}

/// A file that is in.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Makes an empty file for its owner only.
pub(super) fn create(path: &Path) -> anyhow::Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.with_context(|| path.display().to_string())
}

/// Takes everybody else's rights away.
pub(super) fn make_private(path: &Path) -> anyhow::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600)).with_context(|| path.display().to_string())
}

fn pump(from: &mut dyn Read, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut chunk) = (Hash::new(&SHA256), 0, vec![0; CHUNK]);
    loop {
        let read = from.read(&mut chunk)?;
        let part = chunk.get(..read).unwrap_or_default();
        if part.is_empty() {
            return Ok((bytes, HEXLOWER.encode(hash.finish().as_ref())));
        }
        hash.update(part);
        to(part)?;
        bytes += part.len() as u64;
    }
}

/// Writes the manifest and the files; gives the size.
pub(super) fn write(path: &Path, mut manifest: Manifest, sources: &[Source]) -> anyhow::Result<u64> {
    for Source { name, path } in sources {
        let mut file = File::open(path).with_context(|| path.display().to_string())?;
        let (bytes, sha256) = pump(&mut file, |_| Ok(())).with_context(|| path.display().to_string())?;
        manifest.files.push(Stored { name: (*name).to_owned(), bytes, sha256 });
    }
    let draft = Temporary::beside(path, "draft");
    let mut tar = tar::Builder::new(BufWriter::with_capacity(CHUNK, create(&draft.0)?));
    let text = serde_json::to_vec_pretty(&manifest)?;
    tar.append_data(&mut header(text.len() as u64, manifest.made), MANIFEST, text.as_slice())?;
    for (Source { name, path }, stored) in sources.iter().zip(&manifest.files) {
        // As long as it was when it was hashed, or reading the backup would fail.
        let file = File::open(path)?.take(stored.bytes);
        tar.append_data(&mut header(stored.bytes, manifest.made), name, file)?;
    }
    let mut out = tar.into_inner()?;
    out.flush()?;
    out.get_ref().sync_all()?;
    // A link, unlike a rename, doesn't take the place of a file that has appeared meanwhile.
    fs::hard_link(&draft.0, path).with_context(|| path.display().to_string())?;
    sync_directory(path)?;
    Ok(fs::metadata(path)?.len())
}

fn header(bytes: u64, made: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(made / 1000).unwrap_or(0));
    header
}

/// Makes the names in the directory of `path` durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// Reads a backup. `place` says where each file goes, and is asked before anything is written; a file that goes nowhere is read past.
/// Each is written beside its name in the manifest only with the size and hash that stand there; else nothing is left of any.
pub(super) fn read(
    path: &Path,
    place: impl Fn(&Manifest, &str) -> anyhow::Result<Option<PathBuf>>,
) -> anyhow::Result<(Manifest, Vec<(String, Unpacked)>)> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    read_from(BufReader::with_capacity(CHUNK, file), place).with_context(|| path.display().to_string())
}

/// The same, wherever the bytes come from.
pub(super) fn read_from(
    from: impl Read,
    place: impl Fn(&Manifest, &str) -> anyhow::Result<Option<PathBuf>>,
) -> anyhow::Result<(Manifest, Vec<(String, Unpacked)>)> {
    let mut tar = tar::Archive::new(from);
    let mut entries = tar.entries()?;
    let manifest = match entries.next() {
        Some(Ok(entry)) if entry.path_bytes().as_ref() == MANIFEST.as_bytes() => {
            let mut text = String::new();
            entry.take(LONGEST_MANIFEST).read_to_string(&mut text).ok();
            serde_json::from_str::<Manifest>(&text).ok()
        }
        _ => None,
    };
    let Some(manifest) = manifest else { bail!("no backup of this program's") };
    if manifest.format != FORMAT {
        bail!("the backup has format {}, this program knows {FORMAT}; use a newer program", manifest.format);
    }
    let mut places = Vec::new();
    for stored in &manifest.files {
        places.push(place(&manifest, &stored.name)?);
    }
    let mut unpacked = Vec::new();
    for (stored, place) in manifest.files.iter().zip(places) {
        let broken = || format!("the backup is damaged: {}", stored.name);
        let mut entry = entries.next().with_context(broken)?.with_context(broken)?;
        if entry.path_bytes().as_ref() != stored.name.as_bytes() {
            bail!(broken());
        }
        let mut file = match &place {
            Some(place) => {
                let draft = Temporary::beside(place, "restoring");
                Some((create(&draft.0)?, draft, place.clone()))
            }
            None => None,
        };
        let written = pump(&mut entry, |part| match &mut file {
            Some((file, ..)) => file.write_all(part),
            None => Ok(()),
        });
        let (bytes, sha256) = written.with_context(broken)?;
        if bytes != stored.bytes || sha256 != stored.sha256 {
            bail!(broken());
        }
        if let Some((file, draft, place)) = file {
            file.sync_all()?;
            unpacked.push((stored.name.clone(), Unpacked { draft, place }));
        }
    }
    Ok((manifest, unpacked))
}

/// A file of the backup, whole, beside the place where it belongs.
pub(super) struct Unpacked {
    draft: Temporary,
    place: PathBuf,
}

impl Unpacked {
    /// Where it is now.
    pub(super) fn path(&self) -> &Path {
        &self.draft.0
    }

    /// Where it belongs.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    /// Moves it there.
    pub(super) fn put(self) -> anyhow::Result<()> {
        fs::rename(&self.draft.0, &self.place).with_context(|| self.place.display().to_string())?;
        Ok(sync_directory(&self.place)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(directory: &Path) -> PathBuf {
        let (source, path) = (directory.join("source"), directory.join("backup"));
        fs::write(&source, vec![7; 300_000]).unwrap();
        let manifest = Manifest {
            format: FORMAT,
            made: 1_795_280_601_805,
            program: "0".to_owned(),
            engine: "sqlite".to_owned(),
            roots: vec![],
            files: vec![],
        };
        write(&path, manifest, &[Source { name: "database", path: source }]).unwrap();
        path
    }

    #[test]
    fn what_was_written_is_read_and_is_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = made(directory.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let to = directory.path().join("to");
        let (manifest, unpacked) = read(&path, |_, _| Ok(Some(to.clone()))).unwrap();
        assert_eq!((manifest.files.len(), unpacked.len()), (1, 1));
        for (_, unpacked) in unpacked {
            unpacked.put().unwrap();
        }
        assert_eq!(fs::read(&to).unwrap(), vec![7; 300_000]);
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_byte_that_was_changed_or_left_out_anywhere_is_found_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = made(directory.path());
        let whole = fs::read(&path).unwrap();
        let to = directory.path().join("to");
        let before = fs::read_dir(directory.path()).unwrap().count();
        for place in (0..whole.len() - 2048).step_by(4099) {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            // A tar header has fields that mean nothing here; what was written must still be what was hashed.
            if let Ok((_, unpacked)) = read(&path, |_, _| Ok(Some(to.clone()))) {
                assert!(unpacked.iter().all(|(_, one)| fs::read(one.path()).unwrap() == vec![7; 300_000]), "{place}");
            }
            fs::write(&path, &whole[..place]).unwrap();
            assert!(read(&path, |_, _| Ok(Some(to.clone()))).is_err(), "{place}");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), before);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..3000)) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("x");
            fs::write(&path, bytes).unwrap();
            let _ = read(&path, |_, _| Ok(None));
        }
    }
}
