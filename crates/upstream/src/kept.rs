//! Something that was fetched, kept for a while: metadata, keys.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use types::Millis;

/// After a failure, or a reload that somebody asked for, nothing is fetched for so long.
const PAUSE: Duration = Duration::from_secs(60);

/// What was fetched, and how long it is good for.
#[derive(Debug)]
pub struct Loaded<T> {
    /// It.
    pub value: T,
    /// Fetched again after this.
    pub fresh_until: Millis,
    /// Not used after this, even if it can't be fetched.
    pub usable_until: Millis,
}

/// Something that was fetched. One asks at a time; the others wait for the answer, or have what is still fresh.
pub struct Kept<T> {
    state: Mutex<State<T>>,
    loading: tokio::sync::Mutex<()>,
}

struct State<T> {
    value: Option<(Arc<T>, Millis, Millis)>,
    not_before: Millis,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let state = State { value: None, not_before: Millis(i64::MIN) };
        Self { state: Mutex::new(state), loading: tokio::sync::Mutex::new(()) }
    }
}

impl<T> Kept<T> {
    /// What is kept, if it is fresh; else what `load` gives; else, if that fails, what is kept while it can be used.
    ///
    /// # Errors
    /// The error of `load`; within a minute after one, nothing is loaded again and `paused` is the error.
    pub async fn get<E, F>(&self, now: Millis, paused: E, load: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<Loaded<T>, E>>,
    {
        if let Some(value) = self.fresh(now) {
            return Ok(value);
        }
        let _loading = self.loading.lock().await;
        if let Some(value) = self.fresh(now) {
            return Ok(value);
        }
        self.load(now, paused, load).await
    }

    /// Loads anew though what is kept is fresh: a signature names a key that isn't there. Not more often than once a minute; in
    /// between it is what is kept.
    ///
    /// # Errors
    /// As [`Kept::get`].
    pub async fn renew<E, F>(&self, now: Millis, paused: E, load: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<Loaded<T>, E>>,
    {
        let _loading = self.loading.lock().await;
        self.load(now, paused, load).await
    }

    async fn load<E, F>(&self, now: Millis, paused: E, load: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<Loaded<T>, E>>,
    {
        let error = if now < self.with(|state| state.not_before) {
            paused
        } else {
            let loaded = load().await;
            // Not before the end: whoever goes away while he waits must not make the others pause.
            self.with(|state| state.not_before = now + PAUSE);
            match loaded {
                Ok(loaded) => {
                    let value = Arc::new(loaded.value);
                    let entry = (Arc::clone(&value), loaded.fresh_until, loaded.usable_until);
                    self.with(|state| state.value = Some(entry));
                    return Ok(value);
                }
                Err(error) => error,
            }
        };
        self.with(|state| match &state.value {
            Some((value, _, usable_until)) if now < *usable_until => Ok(Arc::clone(value)),
            _ => Err(error),
        })
    }

    fn fresh(&self, now: Millis) -> Option<Arc<T>> {
        self.with(|state| match &state.value {
            Some((value, fresh_until, _)) if now < *fresh_until => Some(Arc::clone(value)),
            _ => None,
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut State<T>) -> R) -> R {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    const HOUR: i64 = 3_600_000;

    #[tokio::test]
    async fn fresh_then_fetched_then_old_then_none() {
        let kept = Kept::default();
        let count = AtomicI64::new(0);
        let load = |now: i64, works: bool| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                let until = |hours: i64| Millis(now + hours * HOUR);
                if works {
                    Ok(Loaded { value: number, fresh_until: until(1), usable_until: until(5) })
                } else {
                    Err("down")
                }
            }
        };
        let get = async |now: i64, works: bool| {
            kept.get(Millis(now), "paused", || load(now, works)).await.map(|value| *value)
        };
        assert_eq!(get(0, false).await, Err("down"));
        assert_eq!(get(1_000, true).await, Err("paused"));
        assert_eq!(get(60_000, true).await, Ok(1));
        assert_eq!(get(HOUR, true).await, Ok(1));
        assert_eq!(get(2 * HOUR, true).await, Ok(2));
        assert_eq!(get(4 * HOUR, false).await, Ok(2));
        assert_eq!(get(4 * HOUR + 1, true).await, Ok(2), "not asked again within the minute");
        assert_eq!(get(8 * HOUR, false).await, Err("down"));
    }

    #[tokio::test]
    async fn who_goes_away_in_the_middle_stops_nobody() {
        let kept = Kept::<i64>::default();
        let hangs = kept.get(Millis(0), "paused", std::future::pending::<Result<Loaded<i64>, &str>>);
        // One poll, then the future is dropped.
        assert!(tokio::time::timeout(Duration::ZERO, hangs).await.is_err());
        let load = || async { Ok(Loaded { value: 7, fresh_until: Millis(HOUR), usable_until: Millis(HOUR) }) };
        assert_eq!(kept.get(Millis(1), "paused", load).await.map(|value| *value), Ok(7));
    }

    #[tokio::test]
    async fn a_key_that_is_missing_is_looked_for_once_a_minute() {
        let kept = Kept::default();
        let load = |value: i64| async move {
            Ok::<_, &str>(Loaded { value, fresh_until: Millis(HOUR), usable_until: Millis(HOUR) })
        };
        assert_eq!(*kept.get(Millis(0), "paused", || load(1)).await.unwrap(), 1);
        assert_eq!(*kept.renew(Millis(1_000), "paused", || load(2)).await.unwrap(), 1);
        assert_eq!(*kept.renew(Millis(61_000), "paused", || load(3)).await.unwrap(), 3);
        assert_eq!(*kept.renew(Millis(62_000), "paused", || load(4)).await.unwrap(), 3);
    }
}
