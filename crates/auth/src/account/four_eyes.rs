//! What an administrator adds to somebody's account: the person hears of it and can undo it, and for somebody who has a passkey it takes
//! a second administrator, or time in which the person can stop it.
//!
//! A stolen key of the Admin API, or the session of somebody at the help desk, therefore adds nothing by itself to an account that a
//! passkey protects. What an administrator may do to an account without one is only announced.

use super::{ChangeKind, changes::Noted, notices::News};
use crate::{Auth, AuthError};
use std::time::Duration;
use store::{Addition, AdditionRequest};
use types::{PhoneId, SecretString, TenantId, UserId};

impl Auth {
    /// Tells a user what an administrator added to their account, after the commit, with the link that undoes it.
    pub async fn announce_addition(&self, tenant: TenantId, addition: Addition) -> Result<(), AuthError> {
        let news = News::Given { kind: ChangeKind::parse(addition.kind)?, name: addition.name, by: addition.by };
        self.announce(Noted::new(tenant, addition.user, addition.undo, news), "").await;
        Ok(())
    }

    /// Asks, in the name of `actor`, to add something to a user's account; the user is told, and can stop it. Gives the request.
    pub async fn ask_addition(
        &self,
        tenant: TenantId,
        user: UserId,
        actor: &str,
    ) -> Result<AdditionRequest, AuthError> {
        let scope = self.store.tenant(tenant);
        let (portal, row) = (self.portal(tenant).await?, scope.user(user).await?.ok_or(AuthError::NoUser)?);
        let delay = portal.settings.operator_delay();
        let mut tx = scope.begin().await?;
        tx.ask_addition(user, actor, self.world.now()).await?;
        let news = News::AdditionAsked { by: actor.to_owned(), hours: delay.as_secs() / 3600 };
        let noted = self.note_change(&mut tx, user, "", actor, news).await?;
        let detail = serde_json::json!({ "user_id": user.to_string(), "delay_secs": delay.as_secs() });
        tx.log_act(&self.world, actor, "addition_request", &row.username, &detail.to_string()).await?;
        tx.commit().await?;
        self.announce(noted, "").await;
        scope.addition_request(user).await?.ok_or(AuthError::Damaged("addition request"))
    }

    /// Allows, in the name of `actor`, what `asked_by` has asked for; the user is told.
    ///
    /// [`AuthError::Refused`] where nobody of that name waits, or it is the same administrator.
    pub async fn allow_addition(
        &self,
        tenant: TenantId,
        user: UserId,
        asked_by: &str,
        actor: &str,
    ) -> Result<AdditionRequest, AuthError> {
        let scope = self.store.tenant(tenant);
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        let mut tx = scope.begin().await?;
        if !tx.allow_addition(user, asked_by, actor, self.world.now()).await? {
            return Err(AuthError::Refused("there is no such request that another administrator has to allow"));
        }
        let detail = serde_json::json!({ "user_id": user.to_string(), "asked_by": asked_by });
        tx.log_act(&self.world, actor, "addition_request_allow", &row.username, &detail.to_string()).await?;
        tx.commit().await?;
        let news = News::AdditionAllowed { asked_by: asked_by.to_owned(), by: actor.to_owned() };
        self.tell(tenant, user, &news, "", None).await;
        scope.addition_request(user).await?.ok_or(AuthError::Damaged("addition request"))
    }

    /// Withdraws a request; whether there was one.
    pub async fn withdraw_addition(&self, tenant: TenantId, user: UserId, actor: &str) -> Result<bool, AuthError> {
        let scope = self.store.tenant(tenant);
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        let mut tx = scope.begin().await?;
        let gone = tx.drop_addition_request(user).await?;
        if gone {
            let detail = serde_json::json!({ "user_id": user.to_string() });
            tx.log_act(&self.world, actor, "addition_request_withdraw", &row.username, &detail.to_string()).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }

    /// An activation code that an administrator hands out, for a user or for one telephone of theirs. [`AuthError::Guarded`] where that
    /// takes two. Somebody who can sign in already is told, and can undo it.
    pub async fn activation_by(
        &self,
        tenant: TenantId,
        user: UserId,
        phone: Option<PhoneId>,
        valid: Duration,
        actor: &str,
    ) -> Result<SecretString, AuthError> {
        self.admit_operator(tenant, user, actor).await?;
        let mut tx = self.store.tenant(tenant).begin().await?;
        let code = self.activation_code();
        self.keep_code(tenant, &mut tx, &code, user, phone, self.world.now() + valid).await?;
        let noted = if tx.authenticators_of(user).await? > 0 {
            let news = News::Given { kind: ChangeKind::EnrollmentLink, name: String::new(), by: actor.to_owned() };
            Some(self.note_change(&mut tx, user, "", actor, news).await?)
        } else {
            None
        };
        tx.commit().await?;
        if let Some(noted) = noted {
            self.announce(noted, "").await;
        }
        Ok(code)
    }

    /// Refuses an administrator who may not add to this account alone.
    pub(super) async fn admit_operator(&self, tenant: TenantId, user: UserId, actor: &str) -> Result<(), AuthError> {
        let delay = self.portal(tenant).await?.settings.operator_delay();
        match self.store.tenant(tenant).may_add(user, actor, delay, self.world.now()).await? {
            true => Ok(()),
            false => Err(AuthError::Guarded),
        }
    }
}
