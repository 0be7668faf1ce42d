//! The segments that this process is writing: one for each tenant and day, with keys that are erased as they are used.

use keys::{KeyError, PartKey, Recipients, Segment};
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};
use store::{Store, StoreError};
use types::{TenantId, World};

/// Segments that are kept open, 3 KiB each. One that is dropped is begun anew when it is wanted, for another row of the store.
const MAX_OPEN: usize = 16_384;
/// Receipts come for so many days; a segment that is older is closed.
const KEEP_DAYS: i64 = 4;
/// At most so many messages of a tenant lie between two of its canaries, as one process writes them.
const EVERY: u64 = 250;
/// How many segments may be begun at the same time.
const LANES: usize = 32;

/// The open segments.
pub(crate) struct LogBook {
    open: Mutex<HashMap<(TenantId, i64), Open>>,
    lanes: Vec<tokio::sync::Mutex<()>>,
    /// So many messages of each tenant until the next canary.
    canaries: Mutex<HashMap<TenantId, u64>>,
    hasher: RandomState,
}

struct Open {
    /// The tenant's public keys, as text: another text begins another segment.
    log_key: String,
    segment: Segment,
}

impl LogBook {
    pub(crate) fn new() -> Self {
        let lanes = std::iter::repeat_with(tokio::sync::Mutex::default).take(LANES).collect();
        Self { open: Mutex::default(), canaries: Mutex::default(), lanes, hasher: RandomState::new() }
    }

    /// A key for one part of a row of this day, under the tenant's public keys (`log_key`). `None`, with a line in the log, where there
    /// can be none: the keys' text is damaged, the day is over for good, or this process has no day keys.
    pub(crate) async fn key(
        &self,
        store: &Store,
        tenant: TenantId,
        day: i64,
        log_key: &str,
    ) -> Result<Option<PartKey>, StoreError> {
        if let Some(key) = self.take(tenant, day, Some(log_key))? {
            return Ok(Some(key));
        }
        // Of many that come first, one begins the segment, and the others find it.
        let lane = usize::try_from(self.hasher.hash_one(tenant) % LANES as u64).unwrap_or(0);
        let Some(lane) = self.lanes.get(lane) else { return Ok(None) };
        let _alone = lane.lock().await;
        if let Some(key) = self.take(tenant, day, Some(log_key))? {
            return Ok(Some(key));
        }
        match begin(store, tenant, day, log_key).await {
            Ok(segment) => {
                self.put(tenant, day, Open { log_key: log_key.to_owned(), segment });
                self.take(tenant, day, Some(log_key)).map_err(StoreError::Key)
            }
            Err(StoreError::Key(error)) => {
                tracing::warn!(%error, "messages are logged without their sealed part");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The same from the segment that is open, whatever its keys; `None` if there is none.
    pub(crate) fn open_key(&self, tenant: TenantId, day: i64) -> Result<Option<PartKey>, KeyError> {
        self.take(tenant, day, None)
    }

    /// Whether a canary is due with this message of a tenant: one in [`EVERY`] has one, beginning somewhere in the second half, so that
    /// nobody knows which.
    pub(crate) fn wants_canary(&self, tenant: TenantId, world: &World) -> bool {
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = canaries.entry(tenant).or_insert_with(|| EVERY / 2 + world.below(EVERY / 2));
        *left = left.saturating_sub(1);
        if *left > 0 {
            return false;
        }
        // Nobody can count on to the next one.
        *left = EVERY / 2 + world.below(EVERY / 2);
        true
    }

    fn take(&self, tenant: TenantId, day: i64, log_key: Option<&str>) -> Result<Option<PartKey>, KeyError> {
        match self.open().get_mut(&(tenant, day)) {
            Some(open) if log_key.is_none_or(|wanted| wanted == open.log_key) => open.segment.next_key(),
            _ => Ok(None),
        }
    }

    fn put(&self, tenant: TenantId, day: i64, fresh: Open) {
        let mut open = self.open();
        open.retain(|(_, other), _| *other + KEEP_DAYS > day);
        if open.len() >= MAX_OPEN
            && let Some(any) = open.keys().next().copied()
        {
            open.remove(&any);
        }
        open.insert((tenant, day), fresh);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<(TenantId, i64), Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn begin(store: &Store, tenant: TenantId, day: i64, log_key: &str) -> Result<Segment, StoreError> {
    let recipients = Recipients::from_text(log_key)?;
    let (segment, header) = Segment::begin(tenant, day, &recipients, store.world().random.as_ref())?;
    store.tenant(tenant).add_log_segment(segment.id(), day, &header).await?;
    Ok(segment)
}
