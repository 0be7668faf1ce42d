//! A few connections that are kept, and a limit on how many there are.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use types::Millis;

use super::{LdapError, connection::Connection};

/// A connection that nobody used for so long may be gone: firewalls forget.
const IDLE: Duration = Duration::from_secs(60);

pub(super) struct Pool {
    places: Semaphore,
    idle: Mutex<Vec<(Connection, Millis)>>,
}

impl Pool {
    pub(super) fn new(size: usize) -> Self {
        Self { places: Semaphore::new(size), idle: Mutex::new(Vec::new()) }
    }

    /// A place; held while a connection is in use.
    pub(super) async fn place(&self, patience: Duration) -> Result<SemaphorePermit<'_>, LdapError> {
        match timeout(patience, self.places.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(LdapError::Busy),
        }
    }

    /// A connection that was kept and isn't too old. Older ones are dropped.
    pub(super) fn take(&self, now: Millis) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| now.since(*since) < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(super) fn give(&self, connection: Connection, now: Millis) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, now));
    }
}
