//! Factors other than passkeys, tried through the engine that every door uses: lock-out, fatigue rules and logs are its own.

use super::{
    Browser, Hidden, Purpose, SIGN_IN_LIFE, SignIn, Step,
    agent::Agent,
    decide::Proven,
    open::neighbourhood,
    stand::{Stand, client},
};
use crate::{
    Auth, AuthError, Begin, Begun, Capability, DeviceId, Factor, Outcome, Subject, Verdict, attempt::result, log,
    passcode::Codes,
};
use std::time::Duration;
use store::{SignInRow, fields, limits::Limit, login::Holder};
use types::{AttemptId, SecretString};

/// Between two messages to one phone; the courier's own limit.
pub(crate) const RESEND: Duration = Duration::from_secs(30);
/// So often a stranger may try at one sign-in, whoever's name was typed.
const TRIES: Limit = Limit { max: 30, window: SIGN_IN_LIFE };
/// So many passcodes strangers may try for one person on a day. They stand before no password, so their guesses lock nobody out: whoever
/// knows a name could shut its owner out everywhere. They stop counting instead, for strangers alone.
const GUESSES: Limit = Limit { max: 10, window: Duration::from_secs(86_400) };
/// So many passcodes strangers may try from one address in an hour, whoever's names they type: else somebody with a list of names would
/// have as many guesses as there are people.
const GUESSES_FROM: Limit = Limit { max: 100, window: Duration::from_secs(3600) };
/// So many messages strangers may ask for from one address in an hour.
const MESSAGES: Limit = Limit { max: 10, window: Duration::from_secs(3600) };

const SENT: &str = "A passcode was sent by text message.";
const WRONG: &str = "Incorrect passcode. Please try again.";

impl Auth {
    /// Tries a factor: a push, a call, a message, a passcode, or a recovery code or access pass. `device` is one of those that
    /// [`choices`](Self::choices) showed; none means the first that can do it.
    ///
    /// Everything is asked again, because what a page showed is no promise: what isn't offered is refused (`not_offered`).
    pub async fn attempt(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        factor: Factor,
        device: Option<DeviceId>,
    ) -> Result<Step, AuthError> {
        let row = match self.still_open(sign_in).await? {
            Ok(row) => row,
            Err(step) => return Ok(step),
        };
        let mut stand = self.stand(sign_in, browser).await?;
        match stand.decision.verdict {
            Verdict::Challenge => {}
            Verdict::Allow => return self.pass_by_rule(sign_in, stand, browser).await,
            Verdict::Deny | Verdict::Enroll => return self.refuse(sign_in, stand, browser).await,
        }
        let shown = match &factor {
            Factor::Passcode(_) => stand.shown.passcode,
            Factor::Recovery(_) => stand.shown.recovery,
            Factor::Password(_) => stand.shown.password,
            Factor::Push => stand.shown.push,
            Factor::Phone => stand.shown.phone,
            Factor::Sms => stand.shown.sms,
            // A page knows what it asks for.
            Factor::Auto => false,
        };
        if !shown {
            self.log_refusal(sign_in, &stand, browser, factor.name(), "factor_restricted").await?;
            return Ok(Step::Refused(Outcome::deny("not_offered", why_hidden(stand.hidden))));
        }
        if let Some(refused) = self.canary_refuses(sign_in, row).await? {
            self.log_refusal(sign_in, &stand, browser, factor.name(), "canary").await?;
            return Ok(Step::Refused(refused));
        }
        if stand.stranger && !self.may_try_again(sign_in).await? {
            return Ok(Step::Refused(Outcome::deny("deny", "Too many tries. Please start the sign-in again.")));
        }
        stand.works = self.works(sign_in, &stand).await?;
        match factor {
            Factor::Passcode(code) => self.typed(sign_in, &stand, browser, &code, device).await,
            Factor::Recovery(code) => self.recover(sign_in, &stand, browser, &code).await,
            Factor::Password(password) => self.first(sign_in, &stand, browser, &password).await,
            Factor::Sms => self.send(sign_in, &stand, browser, device).await,
            Factor::Push | Factor::Phone => self.prompt(sign_in, &stand, browser, factor, device).await,
            Factor::Auto => Err(AuthError::NotCapable),
        }
    }

    /// The row, while the sign-in waits for a factor; else what it has come to.
    pub(crate) async fn still_open(&self, sign_in: &SignIn) -> Result<Result<SignInRow, Step>, AuthError> {
        let row = self.sign_in_row(sign_in).await?;
        if row.expires <= self.world.now() {
            return Err(AuthError::NoSignIn);
        }
        Ok(match row.state.as_str() {
            "open" => Ok(row),
            "allowed" => Err(Step::Allowed),
            "denied" => Err(Step::Refused(Outcome::deny("deny", "This sign-in was refused. Please start again."))),
            _ => return Err(AuthError::NoSignIn),
        })
    }

    /// As [`still_open`](Self::still_open), for whoever has just lost to another: what that one has done is seen here.
    pub(crate) async fn come_to(&self, sign_in: &SignIn) -> Result<Result<SignInRow, Step>, AuthError> {
        // A reader sees what is committed; a commit of our own comes after the other's.
        self.store.tenant(sign_in.tenant()).begin().await?.commit().await?;
        self.still_open(sign_in).await
    }

    /// Whether a stranger may try once more at this sign-in.
    pub(crate) async fn may_try_again(&self, sign_in: &SignIn) -> Result<bool, AuthError> {
        self.may(sign_in, TRIES, &[b"sign-in", sign_in.id.as_bytes()]).await
    }

    /// Spends one of a limit.
    pub(super) async fn may(&self, sign_in: &SignIn, limit: Limit, whose: &[&[u8]]) -> Result<bool, AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        let bucket = scope.keys().await?.digest(fields::LIMIT, whose);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, limit, 1, self.world.now()).await?;
        tx.commit().await?;
        Ok(may)
    }

    /// A passcode.
    async fn typed(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        code: &SecretString,
        device: Option<DeviceId>,
    ) -> Result<Step, AuthError> {
        let from = neighbourhood(browser.client.ip);
        if stand.stranger && !self.may(sign_in, GUESSES_FROM, &[b"guesses-from", from.as_bytes()]).await? {
            return Ok(Step::Refused(Outcome::deny("deny", WRONG)));
        }
        // Asked for every name, so that it takes the same time.
        let whose = sign_in.user.map_or_else(|| *sign_in.id.as_bytes(), |user| *user.as_bytes());
        let may = !stand.stranger || self.may(sign_in, GUESSES, &[b"guesses", &whose]).await?;
        let (Some(holder), true, true) = (&stand.holder, stand.works.passcode, may) else {
            self.log_refusal(sign_in, stand, browser, "passcode", "invalid_passcode").await?;
            return Ok(Step::Refused(Outcome::deny("deny", WRONG)));
        };
        let app = &*sign_in.app;
        // An administrator's code says nothing of the person: it changes nothing that they sign in with, and alone it opens no application.
        let bypass = !matches!(sign_in.purpose(), Purpose::StepUp { .. } | Purpose::SingleSignOn { .. });
        let codes = Codes { sign_in: Some(sign_in.id), bypass, counted: !stand.stranger };
        let tried = self.try_passcode(app, holder, code, device, &client(browser), codes).await?;
        let outcome = tried.outcome(app);
        if !outcome.allow {
            // Whether an account is there, or locked, is nobody's business before a proof.
            let outcome = if stand.stranger { Outcome::deny("deny", WRONG) } else { outcome };
            return Ok(Step::Refused(outcome));
        }
        let proven = Proven {
            user: Some(holder.user.id),
            factor: tried.factor,
            reason: "valid_passcode",
            status: "allow",
            message: &outcome.message,
            device: tried.device.map(|id| device_name(holder, id)).unwrap_or_default(),
            txid: None,
            assurance: None,
        };
        self.allow_now(sign_in, proven).await
    }

    /// A recovery code or an access pass.
    async fn recover(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        code: &SecretString,
    ) -> Result<Step, AuthError> {
        let refused = || Step::Refused(Outcome::deny("deny", "Incorrect code. Please try again."));
        let (Some(holder), true) = (&stand.holder, stand.works.recovery) else {
            self.log_refusal(sign_in, stand, browser, "recovery_code", "invalid_passcode").await?;
            return Ok(refused());
        };
        let strength = match self.try_recovery(sign_in, code).await {
            Ok(Some(strength)) => strength,
            // That there is a limit would say that there is an account.
            Ok(None) | Err(AuthError::Limited { .. }) => return Ok(refused()),
            Err(error) => return Err(error),
        };
        let proven = Proven {
            user: Some(holder.user.id),
            factor: if strength == "recovery" { "recovery_code" } else { strength },
            reason: "valid_passcode",
            status: "allow",
            message: "Success. Logging you in...",
            device: String::new(),
            txid: None,
            assurance: None,
        };
        self.allow_now(sign_in, proven).await
    }

    /// A message with a code for this sign-in.
    async fn send(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        device: Option<DeviceId>,
    ) -> Result<Step, AuthError> {
        let sent = || Step::Sent { message: SENT.to_owned(), wait: RESEND.as_secs() };
        let begin = self.begin_of(sign_in, stand, browser, Factor::Sms, device);
        let from = neighbourhood(browser.client.ip);
        let may = !stand.stranger || self.may(sign_in, MESSAGES, &[b"messages", from.as_bytes()]).await?;
        let (Some(holder), Some(begin), true, true) = (&stand.holder, begin, stand.works.sms, may) else {
            self.log_refusal(sign_in, stand, browser, "sms_refresh", "factor_restricted").await?;
            return Ok(if stand.stranger { sent() } else { not_offered() });
        };
        let phone = match self.choose(&sign_in.app, holder, &begin, &[Capability::Sms]).await {
            Ok((phone, _)) => phone,
            Err(AuthError::NoDevice | AuthError::NotCapable) => return Ok(not_offered()),
            Err(error) => return Err(error),
        };
        if stand.stranger {
            // Not waited for: how long the supplier takes would tell that there is such an account.
            self.send_code_unheard(sign_in, holder, phone, &begin.client).await?;
            return Ok(sent());
        }
        Ok(match self.send_code(sign_in, holder, phone, &begin.client).await? {
            Ok(()) => sent(),
            Err(refused) => Step::Refused(refused),
        })
    }

    /// A request on the authenticator, or a call.
    async fn prompt(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        factor: Factor,
        device: Option<DeviceId>,
    ) -> Result<Step, AuthError> {
        let app = &*sign_in.app;
        let (wanted, works) = match &factor {
            Factor::Push => (Capability::Push, stand.works.push),
            _ => (Capability::Phone, stand.works.phone),
        };
        let begin = self.begin_of(sign_in, stand, browser, factor, device);
        let (Some(holder), Some(begin), true) = (&stand.holder, begin, works) else { return Ok(not_offered()) };
        let phone = match self.choose(app, holder, &begin, &[wanted]).await {
            Ok((phone, _)) => phone,
            Err(AuthError::NoDevice | AuthError::NotCapable) => return Ok(not_offered()),
            Err(error) => return Err(error),
        };
        let begun = match wanted {
            // This page shows the digits, so a tap alone approves nothing here, whatever applications without a page are given.
            Capability::Push => self.push(app, holder, phone, &begin, true).await?,
            _ => self.call(app, holder, phone, &begin).await?,
        };
        let id = match begun {
            Begun::Finished(outcome) => return Ok(Step::Refused(outcome)),
            Begun::Pending(id) => id,
        };
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if !tx.set_sign_in_attempt(sign_in.id, Some(id)).await? {
            return Err(AuthError::NoSignIn);
        }
        tx.commit().await?;
        self.waiting_step(sign_in, id).await
    }

    /// What the page shows while a prompt or a call waits.
    pub(crate) async fn waiting_step(&self, sign_in: &SignIn, id: AttemptId) -> Result<Step, AuthError> {
        let app = &*sign_in.app;
        let attempt = self.store.tenant(app.tenant).attempt(id).await?.ok_or(AuthError::NoSignIn)?;
        if attempt.result != result::PENDING {
            return self.attempt_ended(sign_in, &attempt).await;
        }
        let code = self.context(app, &attempt).await?.code;
        let message = match attempt.status.as_str() {
            "pushed" => "Pushed a login request to your device...",
            _ => "Calling your phone...",
        };
        Ok(Step::Waiting {
            attempt: id,
            code: (!code.is_empty()).then(|| SecretString::new(code)),
            message: message.to_owned(),
            expires: attempt.expires.seconds(),
        })
    }

    fn begin_of(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        factor: Factor,
        device: Option<DeviceId>,
    ) -> Option<Begin> {
        let holder = stand.holder.as_ref()?;
        let mut details = Vec::new();
        let agent = Agent::read(&sign_in.request.user_agent).to_string();
        if !agent.is_empty() {
            details.push(("Browser".to_owned(), agent));
        }
        Some(Begin {
            subject: Subject::Id(holder.user.id),
            factor,
            device,
            client: client(browser),
            offer: None,
            details,
            request_digest: None,
            later: true,
        })
    }

    /// Refuses whom the rules refuse, with a line in the log.
    async fn refuse(&self, sign_in: &SignIn, stand: Stand, browser: &Browser) -> Result<Step, AuthError> {
        let name = sign_in.username().unwrap_or_default().to_owned();
        let status = if stand.decision.reason == "locked_out" { "locked_out" } else { "deny" };
        let outcome = Outcome::deny(status, stand.decision.message.clone());
        let admission = crate::Admission { decision: stand.decision, holder: stand.holder };
        self.log_preauth(&sign_in.app, &admission, &name, &client(browser)).await?;
        Ok(Step::Refused(outcome))
    }

    /// A line in the log for what was refused without being looked at.
    pub(crate) async fn log_refusal(
        &self,
        sign_in: &SignIn,
        stand: &Stand,
        browser: &Browser,
        factor: &str,
        reason: &str,
    ) -> Result<(), AuthError> {
        let name = match &stand.holder {
            Some(holder) => &holder.user.username,
            None => sign_in.username().unwrap_or_default(),
        };
        let entry = log::Entry {
            user: stand.holder.as_ref().map(|holder| holder.user.id),
            username: name,
            factor,
            result: "denied",
            reason,
            rule: "sign-in in a browser",
            ip: log::ip(&browser.client),
            hostname: &browser.client.hostname,
            device: String::new(),
            txid: Some(sign_in.id.to_string()),
        };
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        tx.insert_auth_log(&log::row(&sign_in.app, entry, self.world.now(), &self.world)).await?;
        Ok(tx.commit().await?)
    }
}

fn not_offered() -> Step {
    Step::Refused(Outcome::deny("not_offered", why_hidden(Hidden::Nothing)))
}

/// Why something isn't offered.
const fn why_hidden(hidden: Hidden) -> &'static str {
    match hidden {
        Hidden::Nothing => "This can't be used here. Please choose another way.",
        Hidden::Passkey => "Your account signs in with a passkey.",
        Hidden::NewBrowser => "This browser isn't known yet. Please choose another way for the first time.",
        Hidden::Suspended => "Login requests to your device are suspended. Please choose another way.",
        Hidden::PasskeyOnly => "Your organisation accepts passkeys only. Please ask your administrator for one.",
        Hidden::TooWeak => "This application asks for a stronger proof. Please use a passkey.",
    }
}

/// What a person knows a device by.
pub(crate) fn device_name(holder: &Holder, id: DeviceId) -> String {
    match id {
        DeviceId::Phone(id) => {
            let phone = holder.phones.iter().find(|phone| phone.id == id);
            let name =
                phone.and_then(|phone| [&phone.name, &phone.device_name].into_iter().find(|name| !name.is_empty()));
            name.cloned().unwrap_or_else(|| "phone".to_owned())
        }
        DeviceId::Token(id) => {
            let token = holder.tokens.iter().find(|token| token.id == id);
            token.map(|token| token.serial.clone()).unwrap_or_default()
        }
    }
}
