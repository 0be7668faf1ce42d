//! Passkeys at a sign-in: as the only factor of a person's own pages, as the best one everywhere else.
//!
//! A ceremony is begun in the row of its sign-in and taken out of it by its answer, whatever comes of that: of a hundred answers to
//! one challenge one is looked at. What policy says of the person is asked again when the answer is there, because only then it is
//! known who they are.

use super::{
    Assurance, Browser, Purpose, SignIn, Step,
    decide::Proven,
    level::PasskeyShown,
    party::relying_party,
    stand::{Stand, client},
};
use crate::{Auth, AuthError, Outcome, Subject, Verdict, account::News, log, policy::Applied};
use serde_json::Value;
use store::{
    PasskeyRow, fields,
    login::{Authentication, Holder, Proof, Recorded},
};
use webauthn::{AssertionState, PasskeyForSignIn, RelyingParty, Verification, WebauthnError};

/// The factor's name in logs, in Duo's words.
const FACTOR: &str = "webauthn_credential";
const NOT_HERE: &str = "This passkey can't be used here. Please choose another one.";

impl Auth {
    /// Begins a ceremony: `PublicKeyCredentialRequestOptionsJSON` for `navigator.credentials.get`. For a person who is known to the
    /// application the browser is told which passkeys are theirs; at the person's own pages, in a browser that isn't known, it isn't,
    /// whatever name was typed.
    ///
    /// [`AuthError::NotCapable`] where no passkey is offered, [`AuthError::Refused`] for a page under another name than the tenant's.
    pub async fn passkey_options(&self, sign_in: &SignIn, browser: &Browser) -> Result<Value, AuthError> {
        let stand = self.stand(sign_in, browser).await?;
        if stand.decision.verdict != Verdict::Challenge || !stand.shown.passkey {
            return Err(AuthError::NotCapable);
        }
        let app = &*sign_in.app;
        let party = relying_party(app, &browser.origin)?;
        let mut allow = Vec::new();
        if let (Some(holder), false) = (&stand.holder, stand.stranger) {
            let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
            let policy = app.policies.applied(&groups);
            let rows = self.store.tenant(app.tenant).passkeys_of_user(holder.user.id).await?;
            let usable = rows
                .iter()
                .filter(|row| row.suspended_at.is_none() && kind_allowed(&policy, row) && reaches(sign_in, row));
            allow = usable.map(for_sign_in).collect();
            if allow.is_empty() {
                return Err(AuthError::NotCapable);
            }
        }
        let (options, state) = party
            .start_assertion(&allow, verification(sign_in, &stand), self.world.random.as_ref())
            .map_err(|error| broken(&error))?;
        let state = state.to_bytes().map_err(|error| broken(&error))?;
        let scope = self.store.tenant(app.tenant);
        let sealed = scope
            .keys()
            .await?
            .seal(fields::sign_in_ceremony(&sign_in.id), &state, self.world.random.as_ref())
            .map_err(store::StoreError::from)?;
        let mut tx = scope.begin().await?;
        if !tx.begin_ceremony(sign_in.id, &sealed).await? {
            return Err(AuthError::NoSignIn);
        }
        tx.commit().await?;
        Ok(options)
    }

    /// Takes the browser's answer (`credential.toJSON()`). Statuses of a refusal beside `deny`: `unknown_passkey` (nobody has it here:
    /// the page may tell the browser so), `stale` (no ceremony waits: begin another).
    pub async fn passkey_answer(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        response: &[u8],
    ) -> Result<Step, AuthError> {
        let row = match self.still_open(sign_in).await? {
            Ok(row) => row,
            Err(step) => return Ok(step),
        };
        let app = &*sign_in.app;
        let party = relying_party(app, &browser.origin)?;
        let scope = self.store.tenant(app.tenant);
        let stale = || Step::Refused(Outcome::deny("stale", "Please try the passkey again."));
        let Some(sealed) = row.ceremony else { return Ok(stale()) };
        let mut tx = scope.begin().await?;
        if !tx.take_ceremony(sign_in.id, &sealed).await? {
            return Ok(stale());
        }
        tx.commit().await?;
        let state = scope.open(fields::sign_in_ceremony(&sign_in.id), &sealed).await?;
        let state = AssertionState::from_bytes(state.expose()).map_err(|_| AuthError::Damaged("ceremony"))?;

        let stand = self.stand(sign_in, browser).await?;
        if stand.stranger && !self.may_try_again(sign_in).await? {
            return Ok(refused("deny"));
        }
        let Ok(identified) = RelyingParty::identify(response) else { return Ok(refused("deny")) };
        let Some(passkey) = scope.passkey_by_credential(&identified.credential_id).await? else {
            self.log_refusal(sign_in, &stand, browser, FACTOR, "unknown_passkey").await?;
            return Ok(refused("unknown_passkey"));
        };
        let Some(holder) = self.passkey_owner(sign_in, &passkey, &stand, browser).await? else {
            self.log_refusal(sign_in, &stand, browser, FACTOR, "factor_restricted").await?;
            return Ok(refused("deny"));
        };
        let known = for_sign_in(&passkey);
        match party.finish_assertion(state, response, &known) {
            Ok(verified) => {
                let proof = Proof::Passkey {
                    passkey: passkey.id,
                    counter: i64::from(verified.counter),
                    backed_up: verified.backed_up,
                };
                let shown = shown_by(&passkey, verified.user_verified, verified.backed_up);
                if shown.level() < sign_in.purpose().level() {
                    self.log_refusal(sign_in, &stand, browser, FACTOR, "factor_restricted").await?;
                    return Ok(refused("deny"));
                }
                self.signed(sign_in, browser, &holder, &passkey, (proof, Assurance::of_passkey(shown))).await
            }
            Err(error) => {
                self.not_signed(sign_in, &passkey, &error).await?;
                self.log_refusal(sign_in, &stand, browser, FACTOR, error.code()).await?;
                Ok(refused("deny"))
            }
        }
    }

    /// Whose the passkey is, if they may use it for this sign-in.
    async fn passkey_owner(
        &self,
        sign_in: &SignIn,
        passkey: &PasskeyRow,
        stand: &Stand,
        browser: &Browser,
    ) -> Result<Option<Holder>, AuthError> {
        let app = &*sign_in.app;
        if passkey.suspended_at.is_some() {
            return Ok(None);
        }
        let admission = match self.admit(app, &Subject::Id(passkey.user_id), &client(browser)).await {
            Err(AuthError::NoUser) => return Ok(None),
            done => done?,
        };
        let Some(holder) = admission.holder else { return Ok(None) };
        // Not somebody else's sign-in, and not one for a name that isn't theirs, also where nobody has that name.
        let named = match (sign_in.user, sign_in.username()) {
            (Some(user), _) => user == holder.user.id,
            (None, Some(_)) => stand.holder.as_ref().is_some_and(|named| named.user.id == holder.user.id),
            (None, None) => sign_in.purpose().is_open_to_all(),
        };
        let admitted = matches!(admission.decision.verdict, Verdict::Challenge | Verdict::Allow);
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        Ok((named && admitted && kind_allowed(&policy, passkey)).then_some(holder))
    }

    /// The signature is right: the passkey's counter moves on, and the sign-in is allowed.
    async fn signed(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        holder: &Holder,
        passkey: &PasskeyRow,
        (proof, assurance): (Proof, Assurance),
    ) -> Result<Step, AuthError> {
        let app = &*sign_in.app;
        let recorded = self
            .login
            .record(Authentication {
                tenant: app.tenant,
                user: holder.user.id,
                proof,
                failures_seen: holder.user.failures,
                threshold: app.settings.threshold(),
                now: self.world.now(),
                log: Box::new(self.log_of_passkey(sign_in, browser, holder, passkey)),
            })
            .await?;
        log::count(FACTOR, if recorded == Recorded::Won { "success" } else { "denied" });
        if recorded != Recorded::Won {
            return Ok(refused("deny"));
        }
        let scope = self.store.tenant(app.tenant);
        let suspended = scope.prompting(holder.user.id).await?.is_some_and(|row| row.suspended_at.is_some());
        let mut tx = scope.begin().await?;
        if suspended {
            // A sign-in that can't be phished says that the person is there again.
            tx.resume_prompts(holder.user.id).await?;
        }
        let proven = Proven::approved(holder.user.id, FACTOR, passkey.name.clone(), assurance);
        if let Some(allowed) = self.allow(&mut tx, sign_in, proven).await? {
            tx.commit().await?;
            self.tell_allowed(sign_in, allowed).await;
            self.take_call_back(sign_in).await;
            return Ok(Step::Allowed);
        }
        drop(tx);
        match self.come_to(sign_in).await? {
            Ok(_) => Ok(refused("deny")),
            Err(step) => Ok(step),
        }
    }

    fn log_of_passkey(
        &self,
        sign_in: &SignIn,
        browser: &Browser,
        holder: &Holder,
        passkey: &PasskeyRow,
    ) -> impl FnOnce(Recorded) -> store::AuthLogRow + Send + 'static {
        let entry = log::Entry {
            user: Some(holder.user.id),
            username: &holder.user.username,
            factor: FACTOR,
            result: "denied",
            reason: "",
            rule: "",
            ip: log::ip(&browser.client),
            hostname: &browser.client.hostname,
            device: passkey.id.to_string(),
            txid: Some(sign_in.id.to_string()),
        };
        let row = log::row(&sign_in.app, entry, self.world.now(), &self.world);
        move |recorded| {
            let words = match recorded {
                Recorded::Won => ("success", "user_approved"),
                Recorded::LockedOut => ("denied", "locked_out"),
                Recorded::Spent | Recorded::Failed(_) => ("denied", "passkey_counter"),
            };
            log::ended(row, words)
        }
    }

    /// What a refused answer is worth doing: a foreign page is an alert, and a passkey of which there may be a copy is suspended.
    async fn not_signed(&self, sign_in: &SignIn, passkey: &PasskeyRow, error: &WebauthnError) -> Result<(), AuthError> {
        tracing::info!(tenant = %sign_in.tenant(), reason = error.code(), "a passkey's answer was refused");
        match error {
            WebauthnError::Origin { found } => {
                let host = found.split_once("://").map_or(found.as_str(), |(_, host)| host);
                self.alarm(&sign_in.app, sign_in.id, Some(passkey.user_id), host).await
            }
            WebauthnError::CloneSuspected { .. } | WebauthnError::BackupEligibility => {
                let (tenant, now) = (sign_in.tenant(), self.world.now());
                let mut tx = self.store.tenant(tenant).begin().await?;
                if tx.suspend_passkey(passkey.id, error.code(), now).await? {
                    // Whoever has the copy may be in one of them, or in a remembered browser.
                    tx.end_everything_granted(passkey.user_id, None, now).await?;
                    tx.distrust_devices(passkey.user_id).await?;
                    let detail = serde_json::json!({ "passkey": passkey.id.to_string(), "reason": error.code() });
                    let object = passkey.user_id.to_string();
                    tx.log_act(&self.world, "sign-in", "passkey_suspend", &object, &detail.to_string()).await?;
                    tx.commit().await?;
                    tracing::warn!(%tenant, reason = error.code(), "a passkey was suspended");
                    let news = News::PasskeyCopied(passkey.name.clone());
                    self.tell(tenant, passkey.user_id, &news, "", None).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether the user must be verified. Where the passkey is all that is asked for, it must; behind a password it is asked for, and a
/// passkey that could do it when it was registered must do it now.
fn verification(sign_in: &SignIn, stand: &Stand) -> Verification {
    match sign_in.purpose() {
        Purpose::Portal | Purpose::SingleSignOn { .. } => Verification::Required,
        _ if stand.holder.is_none() => Verification::Required,
        Purpose::Application { .. } | Purpose::StepUp { .. } => Verification::Preferred,
    }
}

/// Whether policy takes this kind of passkey. Which kind it is says its browser, at registration.
fn kind_allowed(policy: &Applied<'_>, passkey: &PasskeyRow) -> bool {
    let platform = passkey.transports.split(',').any(|transport| transport == "internal");
    policy.allows_passkey(platform).0
}

/// What a passkey shows when it signs.
fn shown_by(row: &PasskeyRow, user_verified: bool, backed_up: bool) -> PasskeyShown {
    PasskeyShown {
        user_verified,
        device_bound: !row.backup_eligible && !backed_up,
        attested: row.attestation == "verified",
    }
}

/// Whether a passkey can prove what the sign-in asks for.
fn reaches(sign_in: &SignIn, row: &PasskeyRow) -> bool {
    shown_by(row, true, row.backed_up).level() >= sign_in.purpose().level()
}

fn for_sign_in(row: &PasskeyRow) -> PasskeyForSignIn {
    PasskeyForSignIn {
        credential_id: row.credential_id.clone(),
        credential: row.credential.clone(),
        transports: row.transports.clone(),
        // A counter has 32 bits on the wire; one that doesn't fit is above all of them.
        counter: u32::try_from(row.counter).unwrap_or(u32::MAX),
        user_handle: row.user_id.as_bytes().to_vec(),
    }
}

fn refused(status: &str) -> Step {
    Step::Refused(Outcome::deny(status, NOT_HERE))
}

/// A ceremony that could not even begin: the tenant's own settings are at fault.
fn broken(error: &WebauthnError) -> AuthError {
    tracing::error!(reason = error.code(), %error, "no passkey ceremony can begin");
    AuthError::Damaged("settings")
}
