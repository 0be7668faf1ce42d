//! Deleting at the supplier what it needs no longer.

use super::{
    http::{Api, Deleted},
    is_id,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// So many deletions wait at most; each is a few hundred bytes.
const MAX_WAITING: usize = 50_000;

pub(super) struct Forgetter {
    api: Arc<Api>,
    pauses: Arc<[Duration]>,
    waiting: Arc<AtomicUsize>,
}

impl Forgetter {
    pub(super) fn new(api: Arc<Api>, pauses: Vec<Duration>) -> Self {
        Self { api, pauses: pauses.into(), waiting: Arc::new(AtomicUsize::new(0)) }
    }

    /// Deletes `id` after `delay`, and tries again after each pause until the supplier says that it is gone.
    pub(super) fn forget(&self, collection: &'static str, id: &str, delay: Duration) {
        if !is_id(id) {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!("too many messages wait to be deleted at the supplier");
            return;
        }
        let (api, pauses, waiting, id) =
            (Arc::clone(&self.api), Arc::clone(&self.pauses), Arc::clone(&self.waiting), id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut gone = Deleted::NotYet;
            for pause in pauses.iter() {
                tokio::time::sleep(*pause).await;
                gone = api.delete(collection, &id).await;
                if gone == Deleted::Yes {
                    break;
                }
            }
            waiting.fetch_sub(1, Ordering::Relaxed);
            if gone == Deleted::NotYet {
                tracing::warn!(collection, "the supplier did not delete a message");
            }
        });
    }
}
