//! Root keys in a file: the default where there is no hardware.

use crate::{
    KeyError, RootKey,
    aead::{self, KEY_LEN},
    bech32,
    owned_file::{self, failed, lock_directory},
    root::layout::{self, KeyTag},
};
use aws_lc_rs::hmac;
use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};
use types::{Millis, Random, SecretBytes, SecretString, World};
use zeroize::{Zeroize as _, Zeroizing};

const HOLDER: &str = "file";
const PREFIX: &str = "csroot";
/// A file holds a handful of keys; more is a mistake.
const MAX_KEYS: usize = 64;
const MAX_FILE: u64 = 64 * 1024;
const HEAD: &str = "# Countersign root keys, oldest first; the last one wraps. Whoever reads this file and the database reads everything:\n\
                    # keep a copy apart from the database's backups.\n";

/// Root keys in a file that only its owner may read: one text line (`csroot1…`) for each, the last one wraps, all open.
///
/// The key that wraps is the one that was the newest when the file was opened. A key that another process has added since is found when
/// something wrapped by it is to be opened.
pub struct FileRoot {
    path: PathBuf,
    id: String,
    keys: RwLock<Arc<RootKeys>>,
}

/// The parsed file.
struct RootKeys(Vec<Entry>);

struct Entry {
    made: Millis,
    tag: KeyTag,
    key: SecretBytes,
}

impl FileRoot {
    /// Opens the file, or makes it with one key if there is none.
    ///
    /// The file appears whole or not at all, with mode 0600. When two processes start at once, one makes it and both use it.
    pub fn open_or_create(path: &Path, world: &World) -> Result<Self, KeyError> {
        match Self::open(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
        let lock = lock_directory(path)?;
        if !fs::exists(path).map_err(failed(path, "look for"))? {
            replace(path, &RootKeys(vec![Entry::new(world)]), &lock)?;
        }
        drop(lock);
        Self::open(path)
    }

    /// Opens a file that must be there.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let keys = read(path)?;
        let newest = keys.0.last().ok_or(KeyError::Malformed("root-key file"))?;
        Ok(Self { path: path.to_owned(), id: layout::id(HOLDER, newest.tag), keys: RwLock::new(Arc::new(keys)) })
    }

    /// Adds a key to the file; whoever opens the file from now on wraps with it. Gives its id.
    pub fn add_key(path: &Path, world: &World) -> Result<String, KeyError> {
        let lock = lock_directory(path)?;
        let mut keys = read(path)?;
        if keys.0.len() >= MAX_KEYS {
            return Err(KeyError::TooLong(MAX_KEYS));
        }
        let entry = Entry::new(world);
        let id = layout::id(HOLDER, entry.tag);
        keys.0.push(entry);
        replace(path, &keys, &lock)?;
        Ok(id)
    }

    /// Takes a key out of the file, once nothing is wrapped by it any more. The newest stays ([`KeyError::NewestRoot`]).
    pub fn remove_key(path: &Path, id: &str) -> Result<(), KeyError> {
        let lock = lock_directory(path)?;
        let mut keys = read(path)?;
        let tag = layout::tag_of(HOLDER, id).ok_or(KeyError::UnknownRoot)?;
        let at = keys.0.iter().position(|entry| entry.tag == tag).ok_or(KeyError::UnknownRoot)?;
        if at + 1 == keys.0.len() {
            return Err(KeyError::NewestRoot);
        }
        keys.0.remove(at);
        replace(path, &keys, &lock)
    }

    /// The ids of all keys and when each was made, oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, Millis)> {
        self.snapshot().0.iter().map(|entry| (layout::id(HOLDER, entry.tag), entry.made)).collect()
    }

    /// The ids of the keys in the text of a root-key file, oldest first: whether a copy is whole, and which root it is.
    pub fn ids_in(text: &str) -> Result<Vec<String>, KeyError> {
        Ok(RootKeys::parse(text)?.0.iter().map(|entry| layout::id(HOLDER, entry.tag)).collect())
    }

    fn snapshot(&self) -> Arc<RootKeys> {
        // A writer only swaps the pointer: a poisoned lock still holds a whole value.
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The keys among which `tag` is, after reading the file again if need be.
    fn with(&self, tag: KeyTag) -> Result<Arc<RootKeys>, KeyError> {
        let keys = self.snapshot();
        if keys.find(tag).is_some() {
            return Ok(keys);
        }
        let keys = Arc::new(read(&self.path)?);
        if keys.find(tag).is_none() {
            return Err(KeyError::UnknownRoot);
        }
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys.clone();
        Ok(keys)
    }
}

impl RootKey for FileRoot {
    fn id(&self) -> &str {
        &self.id
    }

    fn opens(&self, id: &str) -> bool {
        layout::tag_of(HOLDER, id).is_some_and(|tag| self.with(tag).is_ok())
    }

    fn wrap(&self, key: &SecretBytes, context: &[u8], random: &dyn Random) -> Result<Vec<u8>, KeyError> {
        let tag = layout::tag_of(HOLDER, &self.id).ok_or(KeyError::UnknownRoot)?;
        let keys = self.with(tag)?;
        let root = keys.find(tag).ok_or(KeyError::UnknownRoot)?;
        let mut out = layout::header(tag);
        aead::seal(root.key.expose(), context, key.expose(), random, &mut out)?;
        Ok(out)
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, KeyError> {
        let (tag, body) = layout::split(wrapped)?;
        let keys = self.with(tag)?;
        aead::open(keys.find(tag).ok_or(KeyError::UnknownRoot)?.key.expose(), context, body)
    }
}

impl RootKeys {
    fn find(&self, tag: KeyTag) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.tag == tag)
    }

    fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Self(Vec::new());
        for line in text.lines().map(str::trim_ascii).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let entry = Entry::from_text(line)?;
            if keys.0.len() >= MAX_KEYS || keys.find(entry.tag).is_some() {
                return Err(KeyError::Malformed("root-key file"));
            }
            keys.0.push(entry);
        }
        if keys.0.is_empty() { Err(KeyError::Malformed("root-key file")) } else { Ok(keys) }
    }

    fn to_text(&self) -> Result<SecretString, KeyError> {
        // Enough for the head and every line, so that no growth leaves copies behind.
        let mut text = String::with_capacity(HEAD.len() + self.0.len() * 128);
        text.push_str(HEAD);
        for entry in &self.0 {
            let line = Zeroizing::new(entry.to_text()?);
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", line.as_str());
        }
        Ok(SecretString::new(text))
    }
}

impl Entry {
    fn new(world: &World) -> Self {
        let mut key = world.bytes::<KEY_LEN>();
        let entry = Self { made: world.now(), tag: tag_of(&key), key: SecretBytes::new(key.to_vec()) };
        key.zeroize();
        entry
    }

    /// `csroot1…` over the time of making (milliseconds, eight bytes) and the key.
    fn to_text(&self) -> Result<String, KeyError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 + KEY_LEN));
        bytes.extend_from_slice(&self.made.0.to_be_bytes());
        bytes.extend_from_slice(self.key.expose());
        bech32::encode(PREFIX, &bytes)
    }

    fn from_text(line: &str) -> Result<Self, KeyError> {
        let bytes = bech32::decode(PREFIX, line).map_err(|_| KeyError::Malformed("root-key file"))?;
        match bytes.expose().split_first_chunk::<8>() {
            Some((made, key)) if key.len() == KEY_LEN => Ok(Self {
                made: Millis(i64::from_be_bytes(*made)),
                tag: tag_of(key),
                key: SecretBytes::new(key.to_vec()),
            }),
            _ => Err(KeyError::Malformed("root-key file")),
        }
    }
}

/// Names a key without telling anything about it.
fn tag_of(key: &[u8]) -> KeyTag {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"countersign/root-key-id/1");
    mac.as_ref().first_chunk().copied().unwrap_or_default()
}

fn read(path: &Path) -> Result<RootKeys, KeyError> {
    RootKeys::parse(&owned_file::read(path, MAX_FILE, "root-key file")?)
}

/// Writes beside the file, makes it durable, and moves it into place.
fn replace(path: &Path, keys: &RootKeys, directory: &File) -> Result<(), KeyError> {
    owned_file::replace(path, keys.to_text()?.expose(), directory)
}
