//! What was read and is kept in memory until a change of it is heard of.
//!
//! A notice may arrive while a reader is still under way with what stood there before. What he brings is then given to who asked and not
//! kept: otherwise a key that was thrown away, or an application that was switched off, would be good again until the copy gets old.

use quick_cache::{Equivalent, sync::Cache};
use std::{
    hash::Hash,
    sync::atomic::{AtomicU64, Ordering},
};

/// Copies of rows, by key.
pub struct RowCache<K, V> {
    kept: Cache<K, V>,
    /// Grows with each change that is heard of.
    heard: AtomicU64,
}

/// A look at the database that began when so many changes had been heard of.
#[derive(Clone, Copy, Debug)]
pub struct Reading(u64);

impl<K: Eq + Hash + Clone, V: Clone> RowCache<K, V> {
    /// Room for so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { kept: Cache::new(most), heard: AtomicU64::new(0) }
    }

    /// What is kept under a key.
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        self.kept.get(key)
    }

    /// Before the rows are read.
    pub fn reading(&self) -> Reading {
        Reading(self.heard.load(Ordering::SeqCst))
    }

    /// Keeps what was read, if nothing has been heard since.
    pub fn keep(&self, reading: Reading, key: K, value: V) {
        self.kept.insert(key.clone(), value);
        // Looked at after that: a change that is heard from here on finds it and drops it.
        if self.heard.load(Ordering::SeqCst) != reading.0 {
            self.kept.remove(&key);
        }
    }

    /// Drops what is kept under a key: it was changed.
    pub fn forget<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.kept.remove(key);
    }

    /// Drops what `changed` names.
    pub fn forget_where(&self, changed: impl Fn(&K, &V) -> bool) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.kept.retain(|key, value| !changed(key, value));
    }

    /// Drops everything.
    pub fn forget_all(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::RowCache;

    #[test]
    fn what_was_read_before_a_change_that_was_heard_is_not_kept() {
        // Whatever way the change takes, and also when it names another row: who reads can't know which were meant.
        for change in 0..4 {
            let cache = RowCache::new(10);
            let hear = || match change {
                0 => cache.forget("row"),
                1 => cache.forget("another"),
                2 => cache.forget_where(|key, _| *key == "row"),
                _ => cache.forget_all(),
            };
            let reading = cache.reading();
            hear();
            cache.keep(reading, "row", 1);
            assert_eq!(cache.get("row"), None);
            cache.keep(cache.reading(), "row", 2);
            assert_eq!(cache.get("row"), Some(2));
            hear();
            assert_eq!(cache.get("row").is_some(), change == 1);
        }
    }
}
