//! What may not be kept any longer: old log rows, codes that are over, and users whose deletion is due.

use crate::{Auth, AuthError, Settings};
use std::{sync::Arc, time::Duration};
use store::TenantRow;
use types::TenantId;

/// Tenants looked at in one round.
const TENANTS: i64 = 20;
/// Rows removed in one transaction: a bound on what it holds back.
const ROWS: i64 = 500;

impl Auth {
    /// Looks at the next tenants after `after`; the last one, or none when all have been looked at.
    pub(crate) async fn retain(&self, after: Option<TenantId>) -> Result<Option<TenantId>, AuthError> {
        let tenants = self.store.tenants(after, TENANTS).await?;
        for tenant in &tenants {
            // One tenant's damage is no reason to keep the others' rows.
            if let Err(error) = self.retain_one(tenant).await {
                tracing::warn!(tenant = %tenant.id, %error, "what is kept too long");
            }
        }
        let last = tenants.last().map(|tenant| tenant.id);
        if last.is_none() {
            self.forget_log_days().await?;
        }
        Ok(last)
    }

    /// Forgets the days of the message log that no tenant keeps any more: then no backup of them opens either. The days' keys are the
    /// house's, so the tenant that keeps its log for the longest time counts.
    async fn forget_log_days(&self) -> Result<(), AuthError> {
        let Ok(days) = self.store.day_keys() else { return Ok(()) };
        let (mut longest, mut after) = (None, None);
        loop {
            let tenants = self.store.tenants(after, ROWS).await?;
            let Some(last) = tenants.last() else { break };
            after = Some(last.id);
            for tenant in &tenants {
                // Whose settings can't be read loses nothing by that.
                let settings = Settings::parse(&tenant.settings).map_err(|_| AuthError::Damaged("settings"))?;
                longest = longest.max(Some(settings.log_retention()));
            }
        }
        let Some(longest) = longest else { return Ok(()) };
        if !self.store.agree_on_log_days(days).await? {
            tracing::error!("this node has other day keys of the message log than the others");
            return Ok(());
        }
        let oldest = (self.world.now() - longest).day();
        let (days, world) = (Arc::clone(days), self.world.clone());
        // It writes a file, and a root key in a token is asked over a bus or a network.
        let advanced = tokio::task::spawn_blocking(move || days.advance(oldest, &world)).await;
        match advanced {
            Ok(Ok(true)) => tracing::info!("days of the message log that nobody keeps any more were forgotten"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => return Err(store::StoreError::Key(error).into()),
            Err(error) => tracing::error!(%error, "the log's day keys"),
        }
        Ok(())
    }

    /// Forgets the keys of users' marks of the days that are over: nobody can say any more whose messages were whose.
    pub(crate) async fn forget_mark_days(&self) {
        let Some(marks) = self.store.mark_keys() else { return };
        let today = self.world.now().day();
        if marks.oldest() >= today {
            return;
        }
        let (marks, world) = (Arc::clone(marks), self.world.clone());
        // It writes a file, and a root key in a token is asked over a bus or a network.
        match tokio::task::spawn_blocking(move || marks.advance(today, &world)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the keys of users' marks in the message log are not forgotten"),
            Err(error) => tracing::error!(%error, "the keys of users' marks in the message log are not forgotten"),
        }
    }

    async fn retain_one(&self, tenant: &TenantRow) -> Result<(), AuthError> {
        let settings = Settings::parse(&tenant.settings).map_err(|_| AuthError::Damaged("settings"))?;
        let now = self.world.now();
        let scope = self.store.tenant(tenant.id);
        let before = now - settings.log_retention();
        loop {
            let mut tx = scope.begin().await?;
            let removed = [
                tx.delete_auth_log(before, ROWS).await?,
                tx.delete_admin_log(before, ROWS).await?,
                tx.delete_messages(before, ROWS).await?,
                tx.delete_log_segments(before, ROWS).await?,
                tx.delete_api_messages(before, ROWS).await?,
                tx.delete_verify_attempts(before, ROWS).await?,
            ];
            tx.commit().await?;
            if removed.iter().all(|removed| i64::try_from(*removed).unwrap_or(0) < ROWS) {
                break;
            }
        }
        let mut tx = scope.begin().await?;
        // Not at the moment of their expiry: a day later a log still says which code it was.
        tx.purge_codes(now - Duration::from_secs(86_400)).await?;
        tx.commit().await?;
        let due = scope.users_deleted_before(now - settings.pending_deletion(), ROWS).await?;
        for user in due {
            let mut tx = scope.begin().await?;
            if tx.delete_user(user.id).await? {
                tx.log_act(&self.world, "housekeeping", "user_delete", &user.username, "{}").await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}
