//! What is over goes.

use super::Grants;
use crate::SsoError;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use types::Millis;

/// Between two looks.
const TICK: Duration = Duration::from_secs(300);
/// Rows that one statement removes.
const PIECE: i64 = 1000;
/// So long a row stays after its end: another node's clock, and an answer on its way.
const STAYS: Duration = Duration::from_secs(60);

pub(super) fn start(grants: &Arc<Grants>) {
    tokio::spawn(tick(Arc::downgrade(grants)));
}

async fn tick(grants: Weak<Grants>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(grants) = grants.upgrade() else { return };
        if let Err(error) = grants.purge().await {
            tracing::warn!(%error, "grants that are over could not be removed");
        }
    }
}

impl Grants {
    /// Removes what is over, of every tenant; gives how many rows.
    pub async fn purge(&self) -> Result<usize, SsoError> {
        let before: Millis = self.now() - STAYS;
        let store = self.auth.store();
        let mut gone = 0;
        loop {
            let pieces = [
                store.purge_grant_tokens(before, PIECE).await?,
                store.purge_grant_families(before, PIECE).await?,
                store.purge_grant_requests(before, PIECE).await?,
                store.purge_signing_keys(before, PIECE).await?,
            ];
            gone += pieces.iter().sum::<usize>();
            if pieces.iter().all(|piece| i64::try_from(*piece).is_ok_and(|piece| piece < PIECE)) {
                return Ok(gone);
            }
        }
    }
}
