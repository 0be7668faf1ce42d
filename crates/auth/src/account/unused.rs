//! Sessions that end by nobody's act: nobody has used them for too long, or their time is over.
//!
//! From the moment on at which that is so they open nothing, whoever asks. Here they are ended, so that every application that was opened
//! from them is told.

use super::sessions::Limits;
use crate::{Auth, AuthError};
use std::{collections::BTreeMap, time::Duration};
use store::SessionLook;
use types::{Millis, TenantId};

/// Sessions that one look takes.
const PIECE: i64 = 1000;
/// A tenant whose settings can't be read is looked at again after this.
const LATER: Duration = Duration::from_secs(60);

impl Auth {
    /// Ends the sessions of every tenant that nobody has used for too long, or whose time is over; gives how many.
    pub async fn end_unused_sessions(&self) -> Result<usize, AuthError> {
        let mut ended = 0;
        loop {
            let now = self.world.now();
            let due = self.store.sessions_to_look_at(now, PIECE).await?;
            let last = i64::try_from(due.len()).is_ok_and(|many| many < PIECE);
            let mut tenants: BTreeMap<TenantId, Vec<SessionLook>> = BTreeMap::new();
            for look in due {
                tenants.entry(look.tenant).or_default().push(look);
            }
            for (tenant, mut looks) in tenants {
                // In one order, so that two nodes that look at the same moment don't wait for each other in a ring.
                looks.sort_by_key(|look| look.id);
                let limits = self.session_limits(tenant).await;
                if let Err(error) = &limits {
                    tracing::warn!(%tenant, %error, "sessions that nobody uses");
                }
                ended += self.look_at(tenant, &looks, limits.ok(), now).await?;
            }
            if last {
                return Ok(ended);
            }
        }
    }

    /// Ends those of a tenant's sessions that are over, and says of the others when they will be.
    async fn look_at(
        &self,
        tenant: TenantId,
        looks: &[SessionLook],
        limits: Option<Limits>,
        now: Millis,
    ) -> Result<usize, AuthError> {
        let mut ended = 0;
        let mut tx = self.store.tenant(tenant).begin().await?;
        for look in looks {
            let over = limits.is_some_and(|limits| {
                !limits.at(now).reach(look.last_seen, look.auth_time, look.created, look.expires)
            });
            if over && tx.end_unused_session(look, now).await? {
                ended += 1;
            } else {
                let next = limits.map_or(now + LATER, |limits| ends(look, limits).max(now + Duration::from_secs(1)));
                tx.look_at_session(look.id, next).await?;
            }
        }
        tx.commit().await?;
        Ok(ended)
    }
}

/// When a session is over that nobody uses from now on.
fn ends(look: &SessionLook, limits: Limits) -> Millis {
    let proved = look.auth_time.max(look.created);
    (look.last_seen + limits.idle).min(proved + limits.life).min(look.expires)
}
