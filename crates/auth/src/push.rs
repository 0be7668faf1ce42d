//! A request on the authenticator, approved by typing the six digits that the sign-in shows.
//!
//! A tap alone approves only where the tenant or the application says so, because a person can be worn down into a tap
//! (Uber, 2022). The digits reach the person by what the client can show: the prompt of preauth (an offer), or the status
//! message of an asynchronous attempt. A client that can show neither can't use push, unless a tap is enough.

use crate::{
    Application, Auth, AuthError, Begin, Begun, Client, Offer, Outcome,
    attempt::result,
    begin::replay_is_refused,
    ending::{Context, notice},
    log,
    settings::PushApproval,
};
use store::{PhoneRow, attempts::AttemptRow, fields, login::Holder};
use types::{AttemptId, Millis, SecretString};

/// Digits of an approval code: with fewer, somebody who is asked often enough hits one by chance.
const DIGITS: usize = 6;

impl Auth {
    /// Offers a code at preauth, for the push that may follow.
    pub(crate) async fn offer(
        &self,
        app: &Application,
        holder: &Holder,
        client: &Client,
    ) -> Result<Option<Offer>, AuthError> {
        if app.push_approval() == PushApproval::Tap {
            return Ok(None);
        }
        let now = self.world.now();
        let (mut attempt, code) = self.new_attempt(app, holder, "offered", now, crate::OFFER_LIFE).await?;
        let context = Context {
            ip: client.ip,
            hostname: client.hostname.clone(),
            code: code.expose().to_owned(),
            ..Context::default()
        };
        attempt.context = self.seal_context(app, attempt.id, &context).await?;
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        tx.insert_attempt(&attempt).await?;
        tx.commit().await?;
        Ok(Some(Offer { attempt: attempt.id, code, expires: attempt.expires.seconds() }))
    }

    async fn new_attempt(
        &self,
        app: &Application,
        holder: &Holder,
        status: &str,
        now: Millis,
        life: std::time::Duration,
    ) -> Result<(AttemptRow, SecretString), AuthError> {
        let id = AttemptId::new(now, self.world.random.as_ref());
        let code = self.world.digits(DIGITS);
        let keys = self.store.tenant(app.tenant).keys().await?;
        let digest = keys.digest(fields::APPROVAL_CODE, &[id.as_bytes(), code.as_bytes()]);
        let attempt = AttemptRow {
            id,
            user_id: holder.user.id,
            ikey: app.ikey.clone(),
            factor: "duo_push".to_owned(),
            phone_id: None,
            result: result::PENDING,
            status: status.to_owned(),
            reason: String::new(),
            sequence: 1,
            code_digest: Some(digest.to_vec()),
            context: Vec::new(),
            request_digest: None,
            created: now,
            expires: now + life,
            decided_at: None,
        };
        Ok((attempt, SecretString::new(code)))
    }

    /// Sends a request to the authenticator on `phone`; `typed` is whether it is approved by the code only.
    pub(crate) async fn push(
        &self,
        app: &Application,
        holder: &Holder,
        phone: &PhoneRow,
        begin: &Begin,
        typed: bool,
    ) -> Result<Begun, AuthError> {
        let now = self.world.now();
        let scope = self.store.tenant(app.tenant);
        let offered = if typed { self.find_offer(app, holder, begin, now).await? } else { None };
        let claimed = offered.is_some();
        let mut context = Context {
            username: holder.user.username.clone(),
            ip: begin.client.ip,
            hostname: begin.client.hostname.clone(),
            details: begin.details.clone(),
            typed,
            code: String::new(),
        };
        let mut attempt = match offered {
            Some(attempt) => {
                // Shown again meanwhile to who takes the answer later: an automatic client has shown no prompt.
                context.code = if begin.later { self.context(app, &attempt).await?.code } else { String::new() };
                attempt
            }
            None => {
                let (mut attempt, code) = self.new_attempt(app, holder, "pushed", now, crate::ATTEMPT_LIFE).await?;
                if !typed {
                    attempt.code_digest = None;
                } else if begin.later {
                    code.expose().clone_into(&mut context.code);
                } else {
                    return Ok(Begun::Finished(Outcome::deny(
                        "deny",
                        "This application can't show the code that a push is approved with. Please use a passcode.",
                    )));
                }
                attempt
            }
        };
        attempt.status = "pushed".to_owned();
        attempt.phone_id = Some(phone.id);
        attempt.created = now;
        attempt.expires = now + crate::ATTEMPT_LIFE;
        attempt.request_digest = begin.request_digest.map(|digest| digest.to_vec());
        attempt.context = self.seal_context(app, attempt.id, &context).await?;
        let mut tx = scope.begin().await?;
        if !tx.open_prompt(holder.user.id, attempt.id, Self::prompt_rules(app), now, attempt.expires).await? {
            tx.commit().await?;
            return self.refuse_prompt(app, holder, begin, now).await;
        }
        if claimed {
            if !replay_is_refused(tx.claim_offer(&attempt).await)? {
                return Err(AuthError::Replayed);
            }
        } else {
            replay_is_refused(tx.insert_attempt(&attempt).await)?;
        }
        tx.notify(notice(attempt.id)).await?;
        tx.notify(device_notice(phone.id)).await?;
        tx.commit().await?;
        self.wake(app.tenant, phone.id, attempt.id);
        Ok(Begun::Pending(attempt.id))
    }

    /// The offer that the client names: whoever can't name it may be another than the one who was shown its code.
    async fn find_offer(
        &self,
        app: &Application,
        holder: &Holder,
        begin: &Begin,
        now: Millis,
    ) -> Result<Option<AttemptRow>, AuthError> {
        let Some(id) = begin.offer else { return Ok(None) };
        let found = self.store.tenant(app.tenant).attempt(id).await?;
        let mine = |attempt: &AttemptRow| attempt.user_id == holder.user.id && attempt.ikey == app.ikey;
        Ok(found.filter(|attempt| mine(attempt) && attempt.status == "offered" && attempt.expires > now))
    }

    /// Says why no prompt goes out now. It is logged: a flood of these is an attack.
    pub(crate) async fn refuse_prompt(
        &self,
        app: &Application,
        holder: &Holder,
        begin: &Begin,
        now: Millis,
    ) -> Result<Begun, AuthError> {
        let scope = self.store.tenant(app.tenant);
        let prompting = scope.prompting(holder.user.id).await?;
        let suspended = prompting.as_ref().is_some_and(|prompting| prompting.suspended_at.is_some());
        let open = prompting.is_some_and(|prompting| prompting.open_until > now);
        let (reason, message) = if suspended {
            (
                "prompts_suspended",
                "Login requests to your device are suspended. Please use another factor or ask your administrator.",
            )
        } else if open {
            (
                "prompt_already_open",
                "A login request is already waiting on your device. If you did not start it, report it there.",
            )
        } else {
            ("prompts_too_close", "Please wait half a minute before the next login request.")
        };
        let entry = log::Entry {
            user: Some(holder.user.id),
            username: &holder.user.username,
            factor: begin.factor.name(),
            result: "denied",
            reason,
            rule: "fatigue rules",
            ip: log::ip(&begin.client),
            hostname: &begin.client.hostname,
            device: String::new(),
            txid: None,
        };
        let mut tx = scope.begin().await?;
        tx.insert_auth_log(&log::row(app, entry, now, &self.world)).await?;
        tx.commit().await?;
        Ok(Begun::Finished(Outcome::deny("deny", message)))
    }
}

/// The notice that wakes an authenticator which waits for requests.
pub(crate) fn device_notice(phone: types::PhoneId) -> String {
    format!("phone:{phone}")
}
