//! How everything learns that the process is to stop.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// A handle to the stop of the process: cheap to clone, and the same for everyone who holds one.
///
/// A door or an engine that keeps a request waiting takes a [`Shutdown::subscribe`]d receiver and answers the request
/// as soon as it turns true; what that answer says is the door's business.
#[derive(Clone)]
pub struct Shutdown {
    stopping: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A process that isn't stopping.
    #[must_use]
    pub fn new() -> Self {
        Self { stopping: Arc::new(watch::Sender::new(false)) }
    }

    /// Begins the stop. Doing it again changes nothing.
    pub fn begin(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the stop has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for the stop to begin; returns at once when it has.
    pub async fn begun(&self) {
        // The sender lives in self, so waiting can't fail.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// For floors below that can't know this type: turns true when the stop begins.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Waits for `length`, or until the stop begins. Says whether it has.
    pub async fn sleep(&self, length: Duration) -> bool {
        tokio::time::timeout(length, self.begun()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_hears_early_and_late() {
        let shutdown = Shutdown::new();
        let mut early = shutdown.subscribe();
        assert!(!shutdown.has_begun());
        assert!(!shutdown.clone().sleep(Duration::from_millis(1)).await);
        shutdown.begin();
        shutdown.begin();
        early.changed().await.expect("the sender lives");
        assert!(*early.borrow());
        shutdown.clone().begun().await;
        assert!(*shutdown.subscribe().borrow());
        assert!(shutdown.sleep(Duration::from_secs(3600)).await);
    }
}
