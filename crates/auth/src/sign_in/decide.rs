//! How a sign-in is decided: once, whatever comes at the same moment.

use super::{Assurance, Browser, CODE_LIFE, Purpose, SignIn, Step, stand::Stand, whose::Confirmed};
use crate::{Auth, AuthError, account::Noted, attempt::result, ending::End};
use keys::Token;
use serde::{Deserialize, Serialize};
use store::{SignInEnd, Tx, fields};
use types::{SignInId, TenantId, UserId};

/// How an application's code begins, so that a leaked one can be scanned for.
pub(crate) const CODE_PREFIX: &str = "csac";

/// What was proved.
pub(crate) struct Proven<'a> {
    pub(crate) user: Option<UserId>,
    /// In Duo's words.
    pub(crate) factor: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) status: &'a str,
    pub(crate) message: &'a str,
    /// What the person knows the device by.
    pub(crate) device: String,
    /// The transaction, where it isn't the sign-in itself.
    pub(crate) txid: Option<String>,
    /// What it is worth, where the factor's name doesn't say it all.
    pub(crate) assurance: Option<Assurance>,
}

impl<'a> Proven<'a> {
    /// By something that the person did, and typed no code for.
    pub(crate) const fn approved(user: UserId, factor: &'a str, device: String, assurance: Assurance) -> Self {
        Self {
            user: Some(user),
            factor,
            reason: "user_approved",
            status: "allow",
            message: "Success. Logging you in...",
            device,
            txid: None,
            assurance: Some(assurance),
        }
    }
}

/// A sign-in that was allowed.
#[must_use = "its owner may have to be told"]
pub(crate) struct Allowed {
    /// The link to a provider that came with it.
    linked: Option<Noted>,
}

/// What came of a sign-in; sealed in its row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) factor: String,
    pub(crate) reason: String,
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) device: String,
    pub(crate) txid: String,
    /// In Unix milliseconds.
    pub(crate) at: i64,
    /// The application's code, for the browser that finishes.
    pub(crate) code: Option<String>,
    /// What was proved; none in rows of the release before.
    #[serde(default)]
    pub(crate) assurance: Option<Assurance>,
}

impl Auth {
    /// Allows an open sign-in, as part of a transaction: none unless this call and no other decided it. Whoever commits calls
    /// [`tell_allowed`](Self::tell_allowed) after that.
    pub(crate) async fn allow(
        &self,
        tx: &mut Tx,
        sign_in: &SignIn,
        proven: Proven<'_>,
    ) -> Result<Option<Allowed>, AuthError> {
        let now = self.world.now();
        let linked = match self.confirm_provider(tx, sign_in, proven.user, proven.factor).await? {
            Confirmed::Gone => return Err(AuthError::NoSignIn),
            Confirmed::Counts => None,
            Confirmed::Linked(noted) => Some(noted),
        };
        let assurance = proven.assurance.unwrap_or_else(|| Assurance::of_factor(proven.factor));
        let assurance = match sign_in.proof() {
            Some(first) => first.and(assurance),
            None => assurance,
        };
        if assurance.level < sign_in.purpose().level() {
            // Nothing that is too weak is offered; this holds whatever was.
            return Err(AuthError::NotCapable);
        }
        let keys = self.store.tenant(sign_in.tenant()).keys().await?;
        let code = matches!(sign_in.purpose(), Purpose::Application { .. })
            .then(|| Token::generate(CODE_PREFIX, self.world.random.as_ref()));
        let decided = Decided {
            factor: proven.factor.to_owned(),
            reason: proven.reason.to_owned(),
            status: proven.status.to_owned(),
            message: proven.message.to_owned(),
            device: proven.device,
            txid: proven.txid.unwrap_or_else(|| sign_in.id.to_string()),
            at: now.0,
            code: code.as_ref().map(|code| code.expose().to_owned()),
            assurance: Some(assurance),
        };
        let plain = serde_json::to_vec(&decided).map_err(|_| AuthError::Damaged("sign-in"))?;
        let sealed = keys
            .seal(fields::sign_in_result(&sign_in.id), &plain, self.world.random.as_ref())
            .map_err(store::StoreError::from)?;
        let end = SignInEnd {
            state: "allowed",
            user: proven.user,
            result: Some(sealed),
            code: code.map(|code| keys.digest(fields::SIGN_IN_CODE, &[code.expose().as_bytes()])),
            expires: now + CODE_LIFE,
        };
        let decided = tx.decide_sign_in(sign_in.id, end, now).await?;
        if decided {
            metrics::counter!("countersign_sign_ins_total", "purpose" => purpose_word(sign_in.purpose()), "end" => "allowed")
                .increment(1);
        }
        Ok(decided.then_some(Allowed { linked }))
    }

    /// Tells the owner of the account what came with a sign-in that is committed now.
    pub(crate) async fn tell_allowed(&self, sign_in: &SignIn, allowed: Allowed) {
        if let Some(noted) = allowed.linked {
            let ip = sign_in.request.ip.map(|ip| ip.to_string()).unwrap_or_default();
            self.announce(noted, &ip).await;
        }
    }

    /// As [`allow`](Self::allow), in a transaction of its own.
    pub(crate) async fn allow_now(&self, sign_in: &SignIn, proven: Proven<'_>) -> Result<Step, AuthError> {
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        if let Some(allowed) = self.allow(&mut tx, sign_in, proven).await? {
            tx.commit().await?;
            self.tell_allowed(sign_in, allowed).await;
            self.take_call_back(sign_in).await;
            return Ok(Step::Allowed);
        }
        drop(tx);
        match self.come_to(sign_in).await? {
            // Its user is another than the one who proved themselves.
            Ok(_) => Err(AuthError::NoSignIn),
            Err(step) => Ok(step),
        }
    }

    /// A call that still waits for somebody is of no use once another factor has decided: the person shouldn't have to take it.
    pub(crate) async fn take_call_back(&self, sign_in: &SignIn) {
        if let Err(error) = self.try_take_call_back(sign_in).await {
            tracing::warn!(%error, "a call that nobody waits for rings on until its time is over");
        }
    }

    async fn try_take_call_back(&self, sign_in: &SignIn) -> Result<(), AuthError> {
        let Some(id) = self.sign_in_row(sign_in).await?.attempt else { return Ok(()) };
        let Some(attempt) = self.store.tenant(sign_in.tenant()).attempt(id).await? else { return Ok(()) };
        if attempt.result == result::PENDING && attempt.factor == "phone_call" && attempt.ikey == sign_in.app.ikey {
            self.end(&sign_in.app, &attempt, End::Elsewhere).await?;
        }
        Ok(())
    }

    /// Ends an open sign-in without success.
    pub(crate) async fn deny(&self, sign_in: &SignIn) -> Result<bool, AuthError> {
        let now = self.world.now();
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        let end = SignInEnd { state: "denied", user: None, result: None, code: None, expires: sign_in.expires };
        let denied = tx.decide_sign_in(sign_in.id, end, now).await?;
        tx.commit().await?;
        if denied {
            metrics::counter!("countersign_sign_ins_total", "purpose" => purpose_word(sign_in.purpose()), "end" => "denied")
                .increment(1);
        }
        Ok(denied)
    }

    /// Lets somebody in whom a rule lets in without a factor. Applications only: [`Stand`] never says so of anything else.
    pub(crate) async fn pass_by_rule(
        &self,
        sign_in: &SignIn,
        stand: Stand,
        browser: &Browser,
    ) -> Result<Step, AuthError> {
        if !matches!(sign_in.purpose(), Purpose::Application { .. }) {
            return Err(AuthError::NotCapable);
        }
        let admission = crate::Admission { decision: stand.decision, holder: stand.holder };
        let remembered = admission.decision.reason == "remembered_device";
        let step = self
            .allow_now(
                sign_in,
                Proven {
                    user: admission.holder.as_ref().map(|holder| holder.user.id),
                    factor: if remembered { "remembered_device" } else { "not_available" },
                    reason: admission.decision.reason,
                    status: "bypass",
                    message: &admission.decision.message,
                    device: String::new(),
                    txid: None,
                    assurance: None,
                },
            )
            .await?;
        let name = match &admission.holder {
            Some(holder) => holder.user.username.clone(),
            None => sign_in.username().unwrap_or_default().to_owned(),
        };
        self.log_preauth(&sign_in.app, &admission, &name, &browser.client).await?;
        Ok(step)
    }

    pub(crate) async fn open_decided(
        &self,
        tenant: TenantId,
        id: SignInId,
        sealed: Option<&[u8]>,
    ) -> Result<Decided, AuthError> {
        let damaged = || AuthError::Damaged("sign-in");
        let opened = self.store.tenant(tenant).open(fields::sign_in_result(&id), sealed.ok_or_else(damaged)?).await?;
        serde_json::from_slice(opened.expose()).map_err(|_| damaged())
    }
}

const fn purpose_word(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Application { .. } => "application",
        Purpose::Portal => "portal",
        Purpose::StepUp { .. } => "step-up",
        Purpose::SingleSignOn { .. } => "single-sign-on",
    }
}
