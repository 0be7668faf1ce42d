//! One call after which nothing that a person was given is of any use: sessions, what applications were granted, remembered and known
//! browsers, links, waiting prompts and sent passcodes, access passes, sign-ins on their way. What the person signs in with stays.

use super::notices::News;
use crate::{Auth, AuthError, ending::End};
use std::time::Duration;
use store::{EndedOfUser, fields, limits::Limit};
use types::{TenantId, UserId};

/// Whoever may revoke may do it often; the person is told no more often than this.
const TOLD: Limit = Limit { max: 3, window: Duration::from_secs(3600) };

/// The longest reason, in bytes.
const LONGEST_REASON: usize = 200;

/// What was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Sessions of browsers.
    pub sessions: usize,
    /// What applications were granted: refresh and access tokens with all that came of them.
    pub grants: usize,
    /// Sign-ins that were on their way.
    pub sign_ins: usize,
    /// Prompts and calls that were waiting.
    pub prompts: usize,
}

impl Auth {
    /// Ends all of it, in one transaction with the word to every application that is owed one (defence against a stolen session or token:
    /// it is refused from the commit on). `by` is who asks, for the log: an administrator, a key, an application; `reason` is for the log
    /// and for receivers of security events.
    ///
    /// [`AuthError::NoUser`] for nobody of this tenant, [`AuthError::Refused`] for a reason of more than 200 bytes.
    pub async fn revoke_user(
        &self,
        tenant: TenantId,
        user: UserId,
        by: &str,
        reason: &str,
    ) -> Result<Revoked, AuthError> {
        if reason.len() > LONGEST_REASON {
            return Err(AuthError::Refused("a reason has at most 200 bytes"));
        }
        let scope = self.store.tenant(tenant);
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        let now = self.world.now();
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"revoked", user.as_bytes()]);
        let mut tx = scope.begin().await?;
        let sign_ins = tx.drop_sign_ins(user).await?;
        let EndedOfUser { sessions, grants } = tx.end_everything_granted(user, None, now).await?;
        tx.distrust_devices(user).await?;
        tx.forget_browsers(user).await?;
        tx.void_activations(user, now).await?;
        tx.delete_sms_codes_of_user(user).await?;
        tx.delete_recovery(user, "pass").await?;
        // Who has no session here may still have one at an application.
        if sessions == 0 {
            let told = serde_json::json!({ "by": "admin", "reason": reason });
            tx.tell(&self.world, "session-revoked", user, &told.to_string()).await?;
        }
        let detail = serde_json::json!({
            "user_id": user.to_string(), "reason": reason, "sessions": sessions, "grants": grants, "sign_ins": sign_ins,
        });
        tx.log_act(&self.world, by, "user_revoke", &row.username, &detail.to_string()).await?;
        let tells = tx.spend(bucket, TOLD, 1, now).await?;
        tx.commit().await?;
        // Whoever waits for one of these is answered at once. One that was answered meanwhile opens nothing: its sign-in is gone.
        let mut prompts = 0;
        for attempt in scope.open_attempts(user, now).await? {
            let app = self.applications.get(&attempt.ikey).await?.filter(|app| app.tenant == tenant);
            if let Some(app) = app
                && self.end(&app, &attempt, End::Revoked).await?
            {
                prompts += 1;
            }
        }
        tracing::warn!(%tenant, sessions, grants, "everything that a user was given was revoked");
        if tells {
            self.tell(tenant, user, &News::Revoked, "", None).await;
        }
        Ok(Revoked { sessions, grants, sign_ins, prompts })
    }
}
