//! What may not be kept any longer: old log rows, codes that are over, and users whose deletion is due.

use crate::{Auth, AuthError, Settings};
use std::time::Duration;
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
        Ok(tenants.last().map(|tenant| tenant.id))
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
