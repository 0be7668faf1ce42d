//! The days of the message log, and how they are forgotten.
//!
//! The headers of the log's segments lie in the database wrapped once more, under a key of their day. The days' keys are a ratchet:
//!
//! ```text
//! day₍d+1₎ = HKDF-SHA256(salt: none, key: day_d, info: "countersign/log-day/next/1")
//! wraps_d  = HKDF-SHA256(salt: none, key: day_d, info: "countersign/log-day/headers/1")
//! check_d  = HKDF-SHA256(salt: none, key: day_d, info: "countersign/log-day/check/1") (16)
//! marks_d  = HKDF-SHA256(salt: none, key: day_d, info: "countersign/log-day/marks/1")
//! wrapped header = 1 ‖ nonce (12) ‖ AES-256-GCM(wraps_d, header) ‖ tag (16)   aad = bind(tenant (16), segment (16), day (8))
//! ```
//!
//! Only the oldest day that may still be read is kept: in a file outside the database, wrapped by the root key. Moving it forward
//! ([`DayKeys::advance`]) makes all days before unreadable: for the server, for the tenant with its private key, and in every backup of the
//! database. So this file must not be in backups that live longer than the log may.
//!
//! The file, mode 0600, replaced whole:
//!
//! ```text
//! # … (comments)
//! day 20780            days since the Unix epoch, UTC
//! root file:3f9a…      the root key that wraps
//! key 01…              day_20780 as the root key wraps it, hexadecimal; context = bind("countersign/log-day/1", day (8), root)
//! ```

use crate::{
    KeyError, KeyRing,
    aead::{self, KEY_LEN},
    codec,
    owned_file::{self, failed, lock_directory},
    segment::derive,
};
use data_encoding::HEXLOWER;
use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use types::{
    Random, SecretBytes, World,
    id::{SegmentId, TenantId},
};
use zeroize::Zeroizing;

/// Bytes of the check value.
pub const CHECK_LEN: usize = 16;

const FORMAT: u8 = 1;
const MAX_FILE: u64 = 16 * 1024;
const WHAT: &str = "log-day file";
/// Days before the first start that are covered: clocks of nodes differ, and a message may wait over midnight.
const SLACK: i64 = 2;
/// No two days lie further apart: a bound on the work for a damaged row.
const MAX_SPAN: i64 = 4000;
const HEAD: &str = "# Countersign: the key of the message log's oldest day that may still be read; later days follow from it.\n\
                    # All nodes need the same file. Keep no copy of it longer than the log may be kept, and none with the database's\n\
                    # backups: what this file has forgotten can be read by nobody, and an old copy would undo that.\n";

type DayKey = Zeroizing<[u8; KEY_LEN]>;

/// The keys of the log's days, from the oldest that may still be read.
pub struct DayKeys {
    path: PathBuf,
    ring: KeyRing,
    held: Mutex<Held>,
}

struct Held {
    root: String,
    day: i64,
    key: DayKey,
    /// The last day that was asked for, so that reading a log in order costs one step a day.
    last: (i64, DayKey),
}

impl DayKeys {
    /// Opens the file, or makes it, with two days before today as the oldest, if there is none.
    ///
    /// Blocks: the root key may be in a token.
    pub fn open_or_create(path: &Path, ring: &KeyRing, world: &World) -> Result<Self, KeyError> {
        let lock = lock_directory(path)?;
        if !fs::exists(path).map_err(failed(path, "look for"))? {
            let key = Zeroizing::new(world.bytes::<KEY_LEN>());
            write(path, ring, world.now().day().saturating_sub(SLACK), &key, world.random.as_ref(), &lock)?;
        }
        Self::open_locked(path, ring)
    }

    /// Opens a file that must be there.
    pub fn open(path: &Path, ring: &KeyRing) -> Result<Self, KeyError> {
        let _lock = lock_directory(path)?;
        Self::open_locked(path, ring)
    }

    fn open_locked(path: &Path, ring: &KeyRing) -> Result<Self, KeyError> {
        let held = load(path, ring)?;
        Ok(Self { path: path.to_owned(), ring: ring.clone(), held: Mutex::new(held) })
    }

    /// The oldest day that can be read.
    #[must_use]
    pub fn oldest(&self) -> i64 {
        self.held().day
    }

    /// The id of the root key that wraps the file.
    #[must_use]
    pub fn root_id(&self) -> String {
        self.held().root.clone()
    }

    /// What tells this file's keys from another's, for a day: every node that can still read the day has the same value, and nothing
    /// follows from it. [`KeyError::Shredded`] for a day before the oldest.
    pub fn check(&self, day: i64) -> Result<[u8; CHECK_LEN], KeyError> {
        let key = self.held().day_key(day)?;
        let mut out = [0; CHECK_LEN];
        derive(key.as_slice(), b"countersign/log-day/check/1", &mut out)?;
        Ok(out)
    }

    /// The key of a day's marks, for a ratchet that keeps one day. [`KeyError::Shredded`] for a day before the oldest.
    pub fn mark_key(&self, day: i64) -> Result<SecretBytes, KeyError> {
        let key = self.held().day_key(day)?;
        let mut out = Zeroizing::new([0; KEY_LEN]);
        derive(key.as_slice(), b"countersign/log-day/marks/1", out.as_mut_slice())?;
        Ok(SecretBytes::new(out.to_vec()))
    }

    /// Wraps a segment's header for the database.
    pub fn wrap(
        &self,
        tenant: TenantId,
        segment: SegmentId,
        day: i64,
        header: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyError> {
        let mut out = vec![FORMAT];
        aead::seal(self.wraps(day)?.as_slice(), &aad(tenant, segment, day), header, random, &mut out)?;
        Ok(out)
    }

    /// Gives the header back. [`KeyError::Shredded`] when its day was forgotten, [`KeyError::Refused`] when it was changed.
    pub fn unwrap(
        &self,
        tenant: TenantId,
        segment: SegmentId,
        day: i64,
        wrapped: &[u8],
    ) -> Result<SecretBytes, KeyError> {
        let Some((&FORMAT, body)) = wrapped.split_first() else { return Err(KeyError::Malformed("log segment")) };
        aead::open(self.wraps(day)?.as_slice(), &aad(tenant, segment, day), body)
    }

    /// Forgets all days before `day`; whether there were any. A day after today is taken as today.
    ///
    /// When it returns, the old key is in no file of this directory any more: the new file is durable, and the old one's bytes were
    /// overwritten. A file system that keeps old blocks (snapshots, copy on write) keeps them.
    pub fn advance(&self, day: i64, world: &World) -> Result<bool, KeyError> {
        let lock = lock_directory(&self.path)?;
        // Another process may have moved it further, or have wrapped it by another root key.
        let mut fresh = load(&self.path, &self.ring)?;
        let day = day.min(world.now().day());
        let moves = fresh.day < day;
        if moves {
            let key = fresh.day_key(day)?;
            let root = self.replace(day, &key, world.random.as_ref(), &lock)?;
            fresh = Held { root, day, last: (day, key.clone()), key };
        }
        *self.held() = fresh;
        Ok(moves)
    }

    /// Wraps the file by the newest root key, if another wraps it; whether that was so.
    pub fn rewrap(&self, random: &dyn Random) -> Result<bool, KeyError> {
        let lock = lock_directory(&self.path)?;
        let mut fresh = load(&self.path, &self.ring)?;
        let stale = fresh.root != self.ring.root_id();
        if stale {
            fresh.root = self.replace(fresh.day, &fresh.key, random, &lock)?;
        }
        *self.held() = fresh;
        Ok(stale)
    }

    fn replace(&self, day: i64, key: &DayKey, random: &dyn Random, lock: &File) -> Result<String, KeyError> {
        let mut old = OpenOptions::new().write(true).open(&self.path).map_err(failed(&self.path, "open"))?;
        let length = old.metadata().map_err(failed(&self.path, "examine"))?.len();
        let root = write(&self.path, &self.ring, day, key, random, lock)?;
        // Only now that the new one stands: a crash in between loses nothing.
        let zeros = vec![b'#'; usize::try_from(length).unwrap_or(0)];
        old.write_all(&zeros).and_then(|()| old.sync_all()).map_err(failed(&self.path, "overwrite the old"))?;
        Ok(root)
    }

    fn wraps(&self, day: i64) -> Result<DayKey, KeyError> {
        let key = self.held().day_key(day)?;
        let mut out = Zeroizing::new([0; KEY_LEN]);
        derive(key.as_slice(), b"countersign/log-day/headers/1", out.as_mut_slice())?;
        Ok(out)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A whole value is put in its place at once: a poisoned lock still holds one.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn day_key(&mut self, day: i64) -> Result<DayKey, KeyError> {
        if day < self.day {
            return Err(KeyError::Shredded);
        }
        if day.saturating_sub(self.day) > MAX_SPAN {
            return Err(KeyError::Malformed("log segment"));
        }
        if day < self.last.0 {
            self.last = (self.day, self.key.clone());
        }
        while self.last.0 < day {
            let mut next = Zeroizing::new([0; KEY_LEN]);
            derive(self.last.1.as_slice(), b"countersign/log-day/next/1", next.as_mut_slice())?;
            self.last = (self.last.0 + 1, next);
        }
        Ok(self.last.1.clone())
    }
}

fn write(
    path: &Path,
    ring: &KeyRing,
    day: i64,
    key: &DayKey,
    random: &dyn Random,
    lock: &File,
) -> Result<String, KeyError> {
    let root = ring.root_id().to_owned();
    let wrapped = ring.wrap_key(&SecretBytes::new(key.to_vec()), &context(day, &root), random)?;
    let mut text = HEAD.to_owned();
    // Writing to a string does not fail.
    let _ = write!(text, "day {day}\nroot {root}\nkey {}\n", HEXLOWER.encode(&wrapped));
    owned_file::replace(path, &text, lock)?;
    Ok(root)
}

fn load(path: &Path, ring: &KeyRing) -> Result<Held, KeyError> {
    let text = owned_file::read(path, MAX_FILE, WHAT)?;
    let (day, root, wrapped) = parse(&text).ok_or(KeyError::Malformed(WHAT))?;
    let key = ring.unwrap_key(root, &wrapped, &context(day, root))?;
    let key = Zeroizing::new(key.expose().try_into().map_err(|_| KeyError::Malformed(WHAT))?);
    Ok(Held { root: root.to_owned(), day, last: (day, Clone::clone(&key)), key })
}

/// Each of the three lines once, in their order.
fn parse(text: &str) -> Option<(i64, &str, Vec<u8>)> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let (day, root, key) = (line("day")?, line("root")?, line("key")?);
    let day = day.parse().ok().filter(|day| (0..=4_000_000).contains(day))?;
    let key = HEXLOWER.decode(key.as_bytes()).ok()?;
    lines.next().is_none().then_some((day, root, key))
}

/// Whether a text is one that [`DayKeys`] reads: for the fuzzer.
#[doc(hidden)]
#[must_use]
pub fn is_day_file(text: &str) -> bool {
    parse(text).is_some()
}

fn context(day: i64, root: &str) -> Vec<u8> {
    codec::bind(&[b"countersign/log-day/1", &day.to_be_bytes(), root.as_bytes()])
}

fn aad(tenant: TenantId, segment: SegmentId, day: i64) -> Vec<u8> {
    codec::bind(&[tenant.as_bytes(), segment.as_bytes(), &day.to_be_bytes()])
}

/// Whether an error says that the file isn't there.
#[must_use]
pub fn is_missing(error: &KeyError) -> bool {
    matches!(error, KeyError::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
