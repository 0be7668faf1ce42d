//! What must happen without anybody asking: attempts end when their time is over, old rows go, changes made elsewhere are heard.

use crate::{Auth, AuthError, call, ending::End, guard};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::broadcast::error::RecvError;
use types::{AttemptId, Millis, TenantId};

/// Between two looks for overdue attempts.
const TICK: Duration = Duration::from_secs(1);
/// How far back overdue attempts are looked for; longer than a restart takes.
const BACK: Duration = Duration::from_secs(600);
/// So many ticks are between two looks for sessions that nobody uses.
const UNUSED: u64 = 20;
/// Ended attempts and spent counters stay so long.
const KEEP: Duration = Duration::from_secs(86_400);
/// Sign-ins stay so long after their end.
const KEEP_SIGN_INS: Duration = Duration::from_secs(3600);
/// Grants, and tickets of proofs that were used, stay so long after their time: each page of a session leaves two.
const KEEP_GRANTS: Duration = Duration::from_secs(600);
/// So many receipts are forgotten by one statement.
const PIECE: i64 = 1000;

pub(crate) fn start(auth: &Arc<Auth>) {
    tokio::spawn(tick(Arc::downgrade(auth)));
    tokio::spawn(hear(Arc::downgrade(auth), auth.store.engine().notices()));
    tokio::spawn(guard::listen(Arc::downgrade(auth), auth.store.alarms()));
    tokio::spawn(call::take_answers(Arc::downgrade(auth), auth.courier.call_answers()));
    tokio::spawn(call::hang_up(Arc::downgrade(auth), auth.store.engine().notices()));
}

async fn tick(auth: Weak<Auth>) {
    let mut ticks = 0_u64;
    let mut looked_at = None;
    loop {
        tokio::time::sleep(TICK).await;
        let Some(auth) = auth.upgrade() else { return };
        if let Err(error) = auth.end_overdue().await {
            tracing::warn!(%error, "overdue attempts");
        }
        let now = auth.world.now();
        if let Err(error) = auth.store.purge_offers(now - KEEP, now, PIECE).await {
            tracing::warn!(%error, "old offers");
        }
        auth.forget_mark_days().await;
        if ticks % UNUSED == UNUSED - 1
            && let Err(error) = auth.end_unused_sessions().await
        {
            tracing::warn!(%error, "sessions that nobody uses");
        }
        if ticks.is_multiple_of(600) {
            let before = auth.world.now() - KEEP;
            auth.forget_attempts(before).await;
            if let Err(error) = auth.store.purge_limits(before).await {
                tracing::warn!(%error, "old counters");
            }
            auth.forget_receipts().await;
            auth.forget_sign_ins().await;
        }
        // A round of tenants a second until all were looked at, and again an hour later.
        if looked_at.is_some() || ticks.is_multiple_of(3600) {
            looked_at = auth.retain(looked_at).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what is kept too long");
                None
            });
        }
        ticks += 1;
    }
}

impl Auth {
    /// Forgets attempts that ended long ago, in pieces too.
    async fn forget_attempts(&self, before: Millis) {
        loop {
            match self.store.purge_attempts(before, PIECE).await {
                Ok(gone) if i64::try_from(gone).unwrap_or(0) == PIECE => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "old attempts");
                    return;
                }
            }
        }
    }

    /// Forgets receipts that can't come any more: in pieces, so that no login waits behind a long delete.
    async fn forget_receipts(&self) {
        loop {
            match self.store.purge_receipts(self.world.now(), PIECE).await {
                Ok(gone) if i64::try_from(gone).unwrap_or(0) == PIECE => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "old receipts");
                    return;
                }
            }
        }
    }

    /// Forgets sign-ins an hour after their time was over, because strangers can open them; sessions and the rest after a day.
    async fn forget_sign_ins(&self) {
        let now = self.world.now();
        let before = now - KEEP;
        loop {
            let store = &self.store;
            let gone = async {
                Ok::<_, store::StoreError>([
                    store.purge_sign_ins(now - KEEP_SIGN_INS, PIECE).await?,
                    store.purge_grants(now - KEEP_GRANTS, PIECE).await?,
                    store.purge_sessions(before, PIECE).await?,
                    store.purge_session_devices(before, PIECE).await?,
                    store.purge_browsers(before, PIECE).await?,
                    store.purge_recovery(before, PIECE).await?,
                    store.purge_changes(before, PIECE).await?,
                    store.purge_sso_requests(now - KEEP_SIGN_INS, PIECE).await?,
                    store.purge_provider_requests(now, PIECE).await?,
                    store.purge_participants(now, PIECE).await?,
                ])
            };
            match gone.await {
                Ok(gone) if gone.iter().any(|gone| i64::try_from(*gone).unwrap_or(0) == PIECE) => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "old sign-ins");
                    return;
                }
            }
        }
    }

    /// Ends attempts whose time is over, also those that nobody waits for: an unanswered prompt counts against fatigue.
    pub(crate) async fn end_overdue(&self) -> Result<(), AuthError> {
        let now = self.world.now();
        for (tenant, id) in self.store.overdue_attempts(now - BACK, now).await? {
            // One that can't be ended is no reason to leave the others.
            if let Err(error) = self.time_out_one(tenant, id).await {
                tracing::warn!(%tenant, %error, "an overdue attempt");
            }
        }
        Ok(())
    }

    async fn time_out_one(&self, tenant: TenantId, id: AttemptId) -> Result<(), AuthError> {
        let Some(attempt) = self.store.tenant(tenant).attempt(id).await? else { return Ok(()) };
        if let Some(app) = self.applications.get(&attempt.ikey).await?.filter(|app| app.tenant == tenant) {
            self.end(&app, &attempt, End::TimedOut).await?;
        }
        Ok(())
    }
}

/// Drops what is kept of applications and tenants when another node has changed them.
async fn hear(auth: Weak<Auth>, mut notices: tokio::sync::broadcast::Receiver<String>) {
    loop {
        let heard = notices.recv().await;
        let Some(auth) = auth.upgrade() else { return };
        match heard {
            Ok(notice) => match notice.split_once(':') {
                Some(("application", ikey)) => auth.applications.forget(ikey),
                Some(("tenant", id)) => {
                    if let Ok(tenant) = id.parse() {
                        auth.applications.forget_tenant(tenant);
                        auth.store.forget_keys(tenant);
                    }
                }
                _ if notice == store::engine::GAP => auth.forget_all(),
                _ => {}
            },
            Err(RecvError::Lagged(_)) => auth.forget_all(),
            Err(RecvError::Closed) => return,
        }
    }
}

impl Auth {
    fn forget_all(&self) {
        self.applications.forget_all();
        self.store.forget_all_keys();
    }
}
