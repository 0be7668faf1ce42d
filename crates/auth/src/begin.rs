//! Begin: one factor is tried. What can be decided at once is; what waits for somebody becomes an attempt.

use crate::{
    Application, Auth, AuthError, Begin, Begun, Capability, DeviceId, Factor, Outcome, Verdict, attempt::result,
    ending::Context, settings::PushApproval,
};
use store::{PhoneRow, attempts::AttemptRow, login::Holder};
use types::{AttemptId, Millis};

impl Auth {
    /// Tries a factor. The user's state and the policies are asked again: preauth was another request, maybe another's.
    pub async fn begin(&self, app: &Application, begin: Begin) -> Result<Begun, AuthError> {
        let now = self.world.now();
        let mut admission = self.admit(app, &begin.subject, &begin.client).await?;
        if let (Verdict::Challenge, Some(holder)) = (admission.decision.verdict, &admission.holder)
            && self.needs_browser(app, holder).await?
        {
            admission.decision = crate::preauth::browser_needed();
        }
        let outcome = match (admission.decision.verdict, &admission.holder) {
            (Verdict::Challenge, Some(holder)) => match self.try_factor(app, holder, &begin).await? {
                Begun::Pending(id) => return Ok(Begun::Pending(id)),
                Begun::Finished(outcome) => outcome,
            },
            (verdict, holder) => {
                let name = match (&begin.subject, holder) {
                    (_, Some(holder)) => holder.user.username.clone(),
                    (crate::Subject::Name(name), None) => name.clone(),
                    (crate::Subject::Id(id), None) => id.to_string(),
                };
                self.log_preauth(app, &admission, &name, &begin.client).await?;
                if verdict == Verdict::Allow {
                    Outcome {
                        allow: true,
                        status: "bypass".to_owned(),
                        message: admission.decision.message,
                        trusted_token: None,
                    }
                } else {
                    let status = if admission.decision.reason == "locked_out" { "locked_out" } else { "deny" };
                    Outcome::deny(status, admission.decision.message)
                }
            }
        };
        if !begin.later {
            return Ok(Begun::Finished(outcome));
        }
        // The client asks for the answer by an id, also where it was known at once.
        let user = admission.holder.map(|holder| holder.user.id);
        self.keep_outcome(app, user, &begin, &outcome, now).await.map(Begun::Pending)
    }

    async fn try_factor(&self, app: &Application, holder: &Holder, begin: &Begin) -> Result<Begun, AuthError> {
        let outcome = match &begin.factor {
            Factor::Passcode(code) => self.passcode(app, holder, code, begin.device, &begin.client).await?,
            // Only the person's own pages take those.
            Factor::Recovery(_) | Factor::Password(_) => return Err(AuthError::NotCapable),
            Factor::Push => {
                let phone = self.choose(app, holder, begin, &[Capability::Push]).await?.0;
                return self.push(app, holder, phone, begin, app.push_approval() == PushApproval::Code).await;
            }
            Factor::Phone => {
                return self
                    .call(app, holder, self.choose(app, holder, begin, &[Capability::Phone]).await?.0, begin)
                    .await;
            }
            Factor::Sms => {
                let (phone, _) = self.choose(app, holder, begin, &[Capability::Sms]).await?;
                self.send_sms(app, holder, phone, &begin.client).await?
            }
            Factor::Auto => {
                let wanted = [Capability::Push, Capability::Phone, Capability::Sms];
                return match self.choose(app, holder, begin, &wanted).await? {
                    (phone, Capability::Push) => {
                        self.push(app, holder, phone, begin, app.push_approval() == PushApproval::Code).await
                    }
                    (phone, Capability::Phone) => self.call(app, holder, phone, begin).await,
                    (phone, _) => self.send_sms(app, holder, phone, &begin.client).await.map(Begun::Finished),
                };
            }
        };
        Ok(Begun::Finished(outcome))
    }

    /// The phone to use, and what for: the first of `wanted` that a phone (the named one, or any) can do here.
    pub(crate) async fn choose<'h>(
        &self,
        app: &Application,
        holder: &'h Holder,
        begin: &Begin,
        wanted: &[Capability],
    ) -> Result<(&'h PhoneRow, Capability), AuthError> {
        let phones: Vec<&PhoneRow> = match begin.device {
            None => holder.phones.iter().collect(),
            Some(DeviceId::Phone(id)) => holder.phones.iter().filter(|phone| phone.id == id).collect(),
            Some(DeviceId::Token(_)) => Vec::new(),
        };
        if phones.is_empty() && begin.device.is_some() {
            return Err(AuthError::NoDevice);
        }
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        wanted
            .iter()
            .find_map(|want| {
                let able = |phone: &&&PhoneRow| self.phone_capabilities(phone, &policy, false).contains(want);
                phones.iter().find(able).map(|phone| (*phone, *want))
            })
            .ok_or(AuthError::NotCapable)
    }

    async fn keep_outcome(
        &self,
        app: &Application,
        user: Option<types::UserId>,
        begin: &Begin,
        outcome: &Outcome,
        now: Millis,
    ) -> Result<AttemptId, AuthError> {
        let id = AttemptId::new(now, self.world.random.as_ref());
        let context = self.seal_context(app, id, &Context::default()).await?;
        let attempt = AttemptRow {
            id,
            // An unknown name has no id; the attempt's own stands for it and leads nowhere.
            user_id: user.unwrap_or(types::UserId::from_uuid(id.uuid())),
            ikey: app.ikey.clone(),
            factor: begin.factor.name().to_owned(),
            phone_id: None,
            result: if outcome.allow { result::ALLOW } else { result::DENY },
            status: outcome.status.clone(),
            reason: outcome.message.clone(),
            sequence: 1,
            code_digest: None,
            context,
            request_digest: begin.request_digest.map(|digest| digest.to_vec()),
            created: now,
            expires: now + crate::ATTEMPT_LIFE,
            decided_at: Some(now),
        };
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        replay_is_refused(tx.insert_attempt(&attempt).await)?;
        tx.commit().await?;
        Ok(id)
    }
}

/// The unique key over the request's hash says that the same signed request began an attempt before.
pub(crate) fn replay_is_refused<T>(inserted: Result<T, store::StoreError>) -> Result<T, AuthError> {
    inserted.map_err(|error| match error {
        store::StoreError::Duplicate => AuthError::Replayed,
        other => other.into(),
    })
}
