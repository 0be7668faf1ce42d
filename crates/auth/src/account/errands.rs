//! Messages under way beside the requests that caused them: counted, so that a process which is about to end can wait for them.

use messaging::{Courier, Outgoing};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// So many errands are waited for; what comes on top runs all the same.
const COUNTED: u32 = 1024;

/// The errands of one engine.
pub(crate) struct Errands(Arc<Semaphore>);

impl Errands {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(COUNTED as usize)))
    }

    /// Sends messages one after the other, beside whoever asked. That one isn't sent is a line in the log.
    pub(super) fn send(&self, courier: &Arc<Courier>, messages: Vec<Outgoing>) {
        let place = Arc::clone(&self.0).try_acquire_owned().ok();
        let courier = Arc::clone(courier);
        tokio::spawn(async move {
            for message in messages {
                if let Err(error) = courier.deliver(message).await {
                    tracing::warn!(%error, "a notice was not sent");
                }
            }
            drop(place);
        });
    }

    /// Waits until none is under way, at most `patience`. Whether none is.
    pub(crate) async fn done(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.0.acquire_many(COUNTED)).await.is_ok()
    }
}
