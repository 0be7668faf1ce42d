//! The keys of queued messages: one for each ten minutes, each in a file of its own that dies with the last message of its time.
//!
//! Under the shelf's directory every process has a directory of its own, named by chance, with a lock file beside it that it holds as
//! long as it lives. Whoever can take the lock knows that the process is dead, and takes over its keys and its messages ([`Shelf::dead`]).
//! A message that is to be sent later is sealed under a key of the ten minutes in which it is due.

use super::seal::{self, KEY_LEN, Unsealable};
use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use types::{MessageId, Millis, TenantId, World};
use zeroize::Zeroizing;

/// A process, or a key.
pub(crate) type Name = [u8; 16];

/// The keys of one process.
pub(crate) struct Shelf {
    world: World,
    holder: Name,
    place: Option<Place>,
    keys: Mutex<HashMap<Name, Key>>,
    /// One makes a key, the others wait and use it.
    making: tokio::sync::Mutex<()>,
}

struct Place {
    root: PathBuf,
    own: PathBuf,
    /// Held as long as the process lives.
    _lock: File,
}

struct Key {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    /// Its ten minutes.
    epoch: i64,
    messages: usize,
    file: Option<PathBuf>,
}

/// A process that has died.
pub(crate) struct Dead {
    /// Which.
    pub(crate) name: Name,
    lock_path: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Keys that nothing outlives: what is under way when the process ends can't be taken up again.
    pub(crate) fn in_memory(world: World) -> Self {
        let holder = world.bytes();
        Self { world, holder, place: None, keys: Mutex::default(), making: tokio::sync::Mutex::default() }
    }

    /// Keys in files under `root`, which is made.
    pub(crate) fn open(root: &Path, world: World) -> io::Result<Self> {
        make_directory(root)?;
        for _ in 0..8 {
            let holder: Name = world.bytes();
            let lock_path = root.join(format!("{}.lock", hex(&holder)));
            let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock_path)?;
            // Another process that looks for dead ones may have taken it for one of them in this moment.
            if lock.try_lock().is_err() || !is_same(&lock, &lock_path) {
                continue;
            }
            let own = root.join(hex(&holder));
            make_directory(&own)?;
            sync_directory(root)?;
            let place = Some(Place { root: root.to_owned(), own, _lock: lock });
            return Ok(Self { world, holder, place, keys: Mutex::default(), making: tokio::sync::Mutex::default() });
        }
        Err(io::Error::other("no lock for a directory of message keys could be had"))
    }

    /// This process's name in the queue.
    pub(crate) const fn holder(&self) -> &Name {
        &self.holder
    }

    /// The key for a message that is due at `due`. It counts as used until it is [released](Self::release).
    pub(crate) async fn key_for(self: &Arc<Self>, due: Millis) -> io::Result<Name> {
        let epoch = store::ten_minutes(due);
        if let Some(name) = self.use_of(epoch) {
            return Ok(name);
        }
        let _making = self.making.lock().await;
        if let Some(name) = self.use_of(epoch) {
            return Ok(name);
        }
        let (name, bytes): (Name, _) = (self.world.bytes(), Zeroizing::new(self.world.bytes()));
        let file = match &self.place {
            None => None,
            Some(place) => {
                let path = place.own.join(file_name(&name, epoch));
                let (to, content) = (path.clone(), bytes.clone());
                tokio::task::spawn_blocking(move || write_key(&to, &content)).await.map_err(io::Error::other)??;
                Some(path)
            }
        };
        self.keys().insert(name, Key { bytes, epoch, messages: 1, file });
        Ok(name)
    }

    fn use_of(&self, epoch: i64) -> Option<Name> {
        let mut keys = self.keys();
        let (name, key) = keys.iter_mut().find(|(_, key)| key.epoch == epoch)?;
        key.messages += 1;
        Some(*name)
    }

    /// Uses a key once more, for a message that was taken over.
    pub(crate) fn hold(&self, name: &[u8]) -> Option<Name> {
        let name: Name = name.try_into().ok()?;
        self.keys().get_mut(&name).map(|key| key.messages += 1)?;
        Some(name)
    }

    /// A message that was sealed under this key is gone.
    pub(crate) fn release(&self, name: &Name) {
        if let Some(key) = self.keys().get_mut(name) {
            key.messages = key.messages.saturating_sub(1);
        }
    }

    /// Seals a message under a key.
    pub(crate) fn seal(
        &self,
        name: &Name,
        tenant: TenantId,
        id: MessageId,
        plain: &[u8],
    ) -> Result<Vec<u8>, Unsealable> {
        let key = self.keys().get(name).map(|key| key.bytes.clone()).ok_or(Unsealable)?;
        seal::seal(&key, tenant, id, plain, self.world.random.as_ref())
    }

    /// Opens a sealed message.
    pub(crate) fn open_sealed(
        &self,
        name: &[u8],
        tenant: TenantId,
        id: MessageId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let name: Name = name.try_into().map_err(|_| Unsealable)?;
        let key = self.keys().get(&name).map(|key| key.bytes.clone()).ok_or(Unsealable)?;
        seal::open(&key, tenant, id, sealed)
    }

    /// Destroys the keys whose time is over and that no message needs. Touches the disk.
    pub(crate) fn shred(&self, now: Millis) {
        let present = store::ten_minutes(now);
        let mut gone = Vec::new();
        self.keys().retain(|_, key| {
            let needed = key.messages > 0 || key.epoch >= present;
            if !needed {
                gone.extend(key.file.take());
            }
            needed
        });
        for path in gone {
            if let Err(error) = destroy(&path) {
                tracing::error!(%error, "the key of queued messages that are gone could not be destroyed");
            }
        }
    }

    /// How many keys there are: for the tests.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.keys().len()
    }

    /// Processes that have died: their locks are ours now, until the value is dropped. Touches the disk.
    pub(crate) fn dead(&self) -> io::Result<Vec<Dead>> {
        let Some(place) = &self.place else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in fs::read_dir(&place.root)? {
            let lock_path = entry?.path();
            let is_lock = lock_path.extension().is_some_and(|end| end == "lock");
            let Some(name) = lock_path.file_stem().and_then(|stem| stem.to_str()).and_then(unhex) else { continue };
            if !is_lock || name == self.holder {
                continue;
            }
            // It may just have been taken over by another.
            let Ok(lock) = OpenOptions::new().write(true).open(&lock_path) else { continue };
            if lock.try_lock().is_err() || !is_same(&lock, &lock_path) {
                continue;
            }
            let directory = place.root.join(hex(&name));
            found.push(Dead { name, lock_path, directory, _lock: lock });
        }
        Ok(found)
    }

    /// Takes over a dead process's keys. Its rows follow; then [`Shelf::bury`]. Touches the disk.
    pub(crate) fn inherit(&self, dead: &Dead) -> io::Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        let entries = match fs::read_dir(&dead.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => done?,
        };
        for entry in entries {
            let path = entry?.path();
            let Some((name, epoch)) = path.file_name().and_then(|name| name.to_str()).and_then(named) else { continue };
            let mut bytes = Zeroizing::new(fs::read(&path)?);
            // One whose writing was cut short can have no message.
            let Ok(key) = <[u8; KEY_LEN]>::try_from(bytes.as_slice()) else {
                destroy(&path)?;
                continue;
            };
            bytes.clear();
            let file = place.own.join(file_name(&name, epoch));
            fs::rename(&path, &file)?;
            self.keys().insert(name, Key { bytes: Zeroizing::new(key), epoch, messages: 0, file: Some(file) });
        }
        sync_directory(&place.own)
    }

    /// Removes what a dead process has left, after its rows were taken over. Touches the disk.
    pub(crate) fn bury(&self, dead: Dead) -> io::Result<()> {
        match fs::remove_dir(&dead.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::remove_file(&dead.lock_path)
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Name, Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    /// A process that ends in good order, and leaves no keys, leaves nothing.
    fn drop(&mut self) {
        if let Some(place) = self.place.as_ref().filter(|_| self.keys().is_empty()) {
            // What can't be removed is buried by another process.
            let _ = fs::remove_dir(&place.own).and_then(|()| fs::remove_file(place.own.with_extension("lock")));
        }
    }
}

fn file_name(name: &Name, epoch: i64) -> String {
    format!("{}-{epoch}.key", hex(name))
}

fn named(file: &str) -> Option<(Name, i64)> {
    let (name, epoch) = file.strip_suffix(".key")?.split_once('-')?;
    Some((unhex(name)?, epoch.parse().ok()?))
}

fn hex(name: &Name) -> String {
    data_encoding::HEXLOWER.encode(name)
}

fn unhex(text: &str) -> Option<Name> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether the open file is still the one of that path.
fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn write_key(path: &Path, key: &[u8; KEY_LEN]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), sync_directory)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Overwrites a key, so that its blocks hold nothing, and removes it.
fn destroy(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(&[0; KEY_LEN])?;
    file.sync_all()?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Millis = Millis(1_794_651_630_405);

    fn ids(world: &World) -> (TenantId, MessageId) {
        (TenantId::new(NOW, world.random.as_ref()), MessageId::new(NOW, world.random.as_ref()))
    }

    fn files(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_key_dies_with_the_last_message_of_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let (world, _) = World::made(NOW, 3);
        let shelf = Arc::new(Shelf::open(directory.path(), world.clone()).unwrap());
        let own = directory.path().join(hex(shelf.holder()));
        let one = shelf.key_for(NOW).await.unwrap();
        assert_eq!(shelf.key_for(NOW + Duration::from_secs(5)).await.unwrap(), one, "ten minutes share a key");
        let later = shelf.key_for(NOW + Duration::from_secs(86_400)).await.unwrap();
        assert_ne!(later, one, "what is due tomorrow needs a key that is there tomorrow");
        let (tenant, id) = ids(&world);
        let sealed = shelf.seal(&one, tenant, id, b"hello").unwrap();
        assert_eq!(shelf.open_sealed(&one, tenant, id, &sealed).unwrap().as_slice(), b"hello");
        let over = NOW + Duration::from_secs(1200);
        shelf.release(&one);
        shelf.shred(over);
        assert_eq!(files(&own).len(), 2, "one message needs it still");
        shelf.release(&one);
        shelf.shred(NOW);
        assert_eq!(files(&own).len(), 2, "its time isn't over");
        shelf.shred(over);
        assert_eq!((files(&own).len(), shelf.len()), (1, 1));
        assert!(shelf.open_sealed(&one, tenant, id, &sealed).is_err());
    }

    #[tokio::test]
    async fn the_living_are_left_alone_and_the_dead_are_inherited_from() {
        let directory = tempfile::tempdir().unwrap();
        let (world, _) = World::made(NOW, 3);
        let open = || Arc::new(Shelf::open(directory.path(), world.clone()).unwrap());
        let (first, second) = (open(), open());
        let (tenant, id) = ids(&world);
        let key = first.key_for(NOW).await.unwrap();
        let sealed = first.seal(&key, tenant, id, b"hello").unwrap();
        assert!(second.dead().unwrap().is_empty(), "the first is alive");
        let name = *first.holder();
        drop(first);
        let mut dead = second.dead().unwrap();
        assert_eq!(dead.iter().map(|it| it.name).collect::<Vec<_>>(), [name]);
        assert!(open().dead().unwrap().is_empty(), "the second has the lock");
        let dead = dead.remove(0);
        second.inherit(&dead).unwrap();
        second.bury(dead).unwrap();
        assert_eq!(second.hold(&key), Some(key));
        assert_eq!(second.open_sealed(&key, tenant, id, &sealed).unwrap().as_slice(), b"hello");
        assert!(!directory.path().join(hex(&name)).exists());
    }

    #[tokio::test]
    async fn others_of_this_machine_see_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("queue-keys");
        let (world, _) = World::made(NOW, 3);
        let shelf = Arc::new(Shelf::open(&root, world).unwrap());
        shelf.key_for(NOW).await.unwrap();
        let own = root.join(hex(shelf.holder()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&root), mode(&own)), (0o700, 0o700));
        assert_eq!(mode(&own.join(&files(&own)[0])), 0o600);
    }
}
