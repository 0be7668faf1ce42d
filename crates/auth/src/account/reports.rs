//! Reports: somebody says that a request was not theirs.

use super::{
    notices::News,
    sessions::{Session, wide},
};
use crate::{Auth, AuthError, Client, log};
use std::time::Duration;
use store::{fields, limits::Limit};
use types::{SessionId, TenantId, UserId};

/// Each report writes to the person and to the tenant's people.
const LIMIT: Limit = Limit { max: 5, window: Duration::from_secs(3600) };

impl Auth {
    /// The session's owner reports a request as not theirs: no prompt reaches them any more until an administrator (or a sign-in that
    /// can't be phished) resumes them, no browser counts as known or remembered, all other sessions end with all that applications were
    /// granted, and the tenant's people are told.
    pub async fn report(&self, session: &Session, client: &Client) -> Result<(), AuthError> {
        wide(session)?;
        self.take_report(session.tenant, session.user, Some(session.id), client).await
    }

    /// The same by the link of a notice, which leaves the addition as it is ([`Auth::undo`] takes it back).
    pub async fn report_by_link(&self, tenant: TenantId, code: &str, client: &Client) -> Result<(), AuthError> {
        let user = self.owner_of_undo(tenant, code).await?;
        self.take_report(tenant, user, None, client).await
    }

    async fn take_report(
        &self,
        tenant: TenantId,
        user: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), AuthError> {
        let portal = self.portal(tenant).await?;
        let scope = self.store.tenant(tenant);
        let now = self.world.now();
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        let entry = log::Entry {
            user: Some(user),
            username: &row.username,
            factor: "not_available",
            result: "fraud",
            reason: "user_marked_fraud",
            rule: "prompts suspended",
            ip: log::ip(client),
            hostname: &client.hostname,
            device: String::new(),
            txid: None,
        };
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"report", user.as_bytes()]);
        let mut tx = scope.begin().await?;
        if !tx.spend(bucket, LIMIT, 1, now).await? {
            return Err(AuthError::Limited { retry_after: LIMIT.window });
        }
        tx.suspend_prompts(user, "reported as fraud", now).await?;
        tx.distrust_devices(user).await?;
        tx.forget_browsers(user).await?;
        tx.end_everything_granted(user, session, now).await?;
        // Whoever it was may have been shown a code already.
        tx.void_activations(user, now).await?;
        tx.tell(&self.world, "credential-compromise", user, r#"{"by":"user"}"#).await?;
        tx.insert_auth_log(&log::row(&portal, entry, now, &self.world)).await?;
        tx.commit().await?;
        log::count("report", "fraud");
        tracing::warn!(%tenant, "a user reported a request as fraud; prompts to them are suspended");
        self.tell(tenant, user, &News::Reported, &log::ip(client), None).await;
        self.alert(
            &portal,
            "A request was reported as fraud",
            format!(
                "{} reported a request as not theirs. Their prompts are suspended until an administrator resumes them. Their \
                 password should be changed.",
                row.username
            ),
        );
        Ok(())
    }
}
