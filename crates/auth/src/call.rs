//! A call that is approved by pressing the two digits that the sign-in shows.
//!
//! Pressing any key approves nothing (people press keys to end a call), unless the tenant has set `keypress_confirm`.

use crate::{
    Application, Auth, AuthError, Begin, Begun, Outcome,
    attempt::result,
    begin::replay_is_refused,
    ending::{Context, End, notice},
};
use messaging::{
    Address, CallAnswer, Content, Outgoing, Purpose,
    text::calls::{Approval, approval_call},
};
use store::{PhoneRow, attempts::AttemptRow, fields, login::Holder};
use types::{AttemptId, MessageId, SecretString, ct_eq};

impl Auth {
    /// Calls `phone`.
    pub(crate) async fn call(
        &self,
        app: &Application,
        holder: &Holder,
        phone: &PhoneRow,
        begin: &Begin,
    ) -> Result<Begun, AuthError> {
        let now = self.world.now();
        let confirm = &app.settings.keypress_confirm;
        let pair = self.world.digits(2);
        let keys = if confirm.is_empty() { pair.clone() } else { confirm.clone() };
        if confirm.is_empty() && !begin.later {
            return Ok(Begun::Finished(Outcome::deny(
                "deny",
                "This application can't show the digits that a call is approved with. Please use a passcode.",
            )));
        }
        let id = AttemptId::new(now, self.world.random.as_ref());
        let context = Context {
            username: holder.user.username.clone(),
            ip: begin.client.ip,
            hostname: begin.client.hostname.clone(),
            details: begin.details.clone(),
            typed: confirm.is_empty(),
            code: if confirm.is_empty() { pair } else { String::new() },
        };
        let scope = self.store.tenant(app.tenant);
        let digest = scope.keys().await?.digest(fields::APPROVAL_CODE, &[id.as_bytes(), keys.as_bytes()]);
        let attempt = AttemptRow {
            id,
            user_id: holder.user.id,
            ikey: app.ikey.clone(),
            factor: "phone_call".to_owned(),
            phone_id: Some(phone.id),
            result: result::PENDING,
            status: "calling".to_owned(),
            reason: String::new(),
            sequence: 1,
            code_digest: Some(digest.to_vec()),
            context: self.seal_context(app, id, &context).await?,
            request_digest: begin.request_digest.map(|digest| digest.to_vec()),
            created: now,
            expires: now + crate::ATTEMPT_LIFE,
            decided_at: None,
        };
        let approval = match confirm.chars().next() {
            None => Approval::Shown(SecretString::new(keys.clone())),
            Some(key) => Approval::Key(key),
        };
        let fraud = app.settings.keypress_fraud.chars().next();
        let language = &app.settings.page.language;
        let script = approval_call(&app.settings.brand, &app.name, approval, fraud, language)
            .map_err(|_| AuthError::Damaged("settings"))?;
        let number = self.number(app.tenant, holder.user.id, phone).await?;
        let mut tx = scope.begin().await?;
        if !tx.open_prompt(holder.user.id, id, Self::prompt_rules(app), now, attempt.expires).await? {
            tx.commit().await?;
            return self.refuse_prompt(app, holder, begin, now).await;
        }
        replay_is_refused(tx.insert_attempt(&attempt).await)?;
        tx.notify(notice(id)).await?;
        tx.commit().await?;
        let message = Outgoing {
            user: Some(holder.user.id),
            txid: Some(id),
            valid_for: crate::ATTEMPT_LIFE,
            language: language.clone(),
            ..Outgoing::new(
                MessageId::new(now, self.world.random.as_ref()),
                app.tenant,
                Purpose::Authentication,
                Address::Number(number, phone.extension.clone()),
                Content::Call(script),
            )
        };
        if self.courier.deliver(message).await.is_err() {
            self.end(app, &attempt, End::Failed).await?;
        }
        Ok(Begun::Pending(id))
    }

    /// What was pressed in a call, or that nothing was.
    pub(crate) async fn call_answered(&self, answer: CallAnswer) -> Result<(), AuthError> {
        let Some(attempt) = self.store.tenant(answer.tenant).attempt(answer.txid).await? else { return Ok(()) };
        let Some(app) = self.applications.get(&attempt.ikey).await?.filter(|app| app.tenant == answer.tenant) else {
            return Ok(());
        };
        let end = match &answer.answer {
            messaging::Answer::Keys(keys) => {
                let tenant_keys = self.store.tenant(app.tenant).keys().await?;
                let digests = tenant_keys
                    .digest_candidates(fields::APPROVAL_CODE, &[attempt.id.as_bytes(), keys.expose().as_bytes()]);
                let stored = attempt.code_digest.as_deref().unwrap_or_default();
                if digests.iter().any(|digest| ct_eq(digest, stored)) { End::Approved } else { End::WrongCode }
            }
            messaging::Answer::Fraud => End::Fraud,
            messaging::Answer::NoAnswer | messaging::Answer::Busy => End::NoAnswer,
            messaging::Answer::Failed => End::Failed,
        };
        self.end(&app, &attempt, end).await.map(drop)
    }
}

/// Takes the answers to calls as they come, until the engine is gone.
pub(crate) async fn take_answers(
    auth: std::sync::Weak<Auth>,
    mut answers: tokio::sync::broadcast::Receiver<CallAnswer>,
) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match answers.recv().await {
            Ok(answer) => {
                let Some(auth) = auth.upgrade() else { return };
                if let Err(error) = auth.call_answered(answer).await {
                    tracing::error!(%error, "an answer to a call was lost; the attempt will time out");
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Hangs up the calls of this process whose attempts have ended, on whatever node and however, until the engine is gone.
pub(crate) async fn hang_up(auth: std::sync::Weak<Auth>, mut notices: tokio::sync::broadcast::Receiver<String>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        let id = match notices.recv().await {
            Ok(heard) => match crate::ending::of_notice(&heard) {
                Some(id) => id,
                None => continue,
            },
            // A call whose notice was missed ends by its own time.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some(auth) = auth.upgrade() else { return };
        let Some(tenant) = auth.courier.calling(id) else { continue };
        match auth.store.tenant(tenant).attempt(id).await {
            Ok(Some(attempt)) if attempt.result == result::PENDING => {}
            Ok(_) => auth.courier.call_over(id),
            Err(error) => tracing::warn!(%error, "whether a call is still wanted is not known"),
        }
    }
}
