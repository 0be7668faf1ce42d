//! How an attempt ends: once, in one transaction with its log row and with what it means for prompts.

use crate::{Application, Auth, AuthError, Client, Outcome, Subject, Verdict, attempt::result, log};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};
use store::{
    attempts::{AttemptRow, Ending},
    fields,
    prompting::PromptRules,
};
use types::AttemptId;

/// What an attempt carries along, sealed: what the authenticator shows and what the log needs at its end.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Context {
    pub(crate) username: String,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) hostname: String,
    pub(crate) details: Vec<(String, String)>,
    /// Whether the authenticator must give the code that the sign-in shows.
    pub(crate) typed: bool,
    /// The code, for clients that are shown it in a status message. Sealed with the rest, and gone with the attempt.
    pub(crate) code: String,
}

/// The ways to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Approved,
    Denied,
    Fraud,
    WrongCode,
    /// It was approved, but meanwhile the person may not sign in any more.
    Withdrawn,
    NoAnswer,
    TimedOut,
    Failed,
    /// The sign-in was decided by another factor.
    Elsewhere,
    /// Everything that the person was given was taken back.
    Revoked,
}

impl End {
    const fn words(self) -> Ending<'static> {
        let (result, status, reason) = match self {
            Self::Approved => (result::ALLOW, "allow", "user_approved"),
            Self::Denied => (result::DENY, "deny", "user_mistake"),
            Self::Fraud => (result::FRAUD, "fraud", "user_marked_fraud"),
            Self::WrongCode => (result::DENY, "deny", "verification_code_incorrect"),
            Self::Withdrawn => (result::DENY, "deny", "user_disabled"),
            Self::NoAnswer => (result::DENY, "deny", "no_keys_pressed"),
            Self::TimedOut => (result::TIMEOUT, "timeout", "no_response"),
            Self::Failed => (result::DENY, "deny", "delivery_failed"),
            Self::Elsewhere | Self::Revoked => (result::DENY, "deny", "user_cancelled"),
        };
        Ending { result, status, reason }
    }
}

impl Auth {
    pub(crate) fn prompt_rules(app: &Application) -> PromptRules {
        PromptRules {
            spacing: Duration::from_secs(app.settings.prompt_spacing),
            window: Duration::from_secs(600),
            unapproved: 5,
        }
    }

    pub(crate) async fn context(&self, app: &Application, attempt: &AttemptRow) -> Result<Context, AuthError> {
        let scope = self.store.tenant(app.tenant);
        let opened = scope.open(fields::attempt_context(&attempt.id), &attempt.context).await?;
        serde_json::from_slice(opened.expose()).map_err(|_| AuthError::Damaged("attempt"))
    }

    pub(crate) async fn seal_context(
        &self,
        app: &Application,
        id: AttemptId,
        context: &Context,
    ) -> Result<Vec<u8>, AuthError> {
        let plain = serde_json::to_vec(context).map_err(|_| AuthError::Damaged("attempt"))?;
        let keys = self.store.tenant(app.tenant).keys().await?;
        Ok(keys
            .seal(fields::attempt_context(&id), &plain, self.world.random.as_ref())
            .map_err(store::StoreError::from)?)
    }

    /// Ends a pending attempt. Whether this call and no other ended it so: a second answer, or one that comes too late, changes
    /// nothing, and an approval by somebody who may not sign in any more ends it as a refusal.
    pub(crate) async fn end(&self, app: &Application, attempt: &AttemptRow, end: End) -> Result<bool, AuthError> {
        let now = self.world.now();
        let context = self.context(app, attempt).await?;
        let end = match end {
            End::Approved if !self.is_still_admitted(app, attempt, &context).await? => End::Withdrawn,
            end => end,
        };
        let words = end.words();
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        let ended = match end {
            End::TimedOut => tx.expire_attempt(attempt.id, words, now).await?,
            _ => tx.decide_attempt(attempt.id, words, now).await?,
        };
        if !ended {
            return Ok(false);
        }
        // A code that was only shown, and never led to a prompt, is no authentication.
        if attempt.status != "offered" {
            let mut suspended = false;
            if attempt.factor == "duo_push" || attempt.factor == "phone_call" {
                let rules = Self::prompt_rules(app);
                if matches!(end, End::Approved | End::Withdrawn | End::Elsewhere | End::Revoked) {
                    tx.prompt_approved(attempt.user_id, attempt.id).await?;
                } else if end == End::Fraud {
                    tx.prompt_unapproved(attempt.user_id, attempt.id, rules, now).await?;
                    suspended = tx.suspend_prompts(attempt.user_id, "reported as fraud", now).await?;
                    // Whoever asked may have the password, a session and a link by now.
                    tx.distrust_devices(attempt.user_id).await?;
                    tx.forget_browsers(attempt.user_id).await?;
                    tx.end_everything_granted(attempt.user_id, None, now).await?;
                    tx.void_activations(attempt.user_id, now).await?;
                    tx.tell(&self.world, "credential-compromise", attempt.user_id, r#"{"by":"user"}"#).await?;
                } else {
                    suspended = tx.prompt_unapproved(attempt.user_id, attempt.id, rules, now).await?;
                }
            }
            let result = match end {
                End::Approved => "success",
                End::Fraud => "fraud",
                _ => "denied",
            };
            let entry = log::Entry {
                user: Some(attempt.user_id),
                username: &context.username,
                factor: &attempt.factor,
                result,
                reason: words.reason,
                rule: if suspended { "prompts suspended" } else { "" },
                ip: context.ip.map(|ip| ip.to_string()).unwrap_or_default(),
                hostname: &context.hostname,
                device: attempt.phone_id.map(|id| id.to_string()).unwrap_or_default(),
                txid: Some(attempt.id.to_string()),
            };
            tx.insert_auth_log(&log::row(app, entry, now, &self.world)).await?;
        }
        tx.notify(notice(attempt.id)).await?;
        tx.commit().await?;
        if attempt.status != "offered" {
            let factor = if attempt.factor == "phone_call" { "phone_call" } else { "duo_push" };
            log::count(factor, words.status);
        }
        if end == End::Fraud {
            self.report_fraud(app, &context.username);
        }
        Ok(end != End::Withdrawn)
    }

    /// Whether the person may still sign in: while the attempt waited they may have been disabled, deleted or locked out.
    async fn is_still_admitted(
        &self,
        app: &Application,
        attempt: &AttemptRow,
        context: &Context,
    ) -> Result<bool, AuthError> {
        let client = Client { ip: context.ip, hostname: context.hostname.clone(), ..Client::default() };
        match self.admit(app, &Subject::Id(attempt.user_id), &client).await {
            Ok(admission) => {
                let admitted = matches!(admission.decision.verdict, Verdict::Challenge | Verdict::Allow);
                let phones = admission.holder.map(|holder| holder.phones).unwrap_or_default();
                // The device may have been taken away meanwhile.
                let still_theirs = attempt.phone_id.is_none_or(|id| phones.iter().any(|phone| phone.id == id));
                Ok(admitted && still_theirs)
            }
            Err(AuthError::NoUser) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tells the tenant's people.
    fn report_fraud(&self, app: &Application, username: &str) {
        tracing::warn!(tenant = %app.tenant, "a user reported a sign-in as fraud; prompts to them are suspended");
        let text = format!(
            "{username} reported a sign-in to {} as not theirs. Their prompts are suspended until an administrator resumes \
             them. The password that was used should be changed.",
            app.name
        );
        self.alert(app, "A sign-in was reported as fraud", text);
    }

    /// The outcome of an attempt that has ended.
    pub(crate) fn outcome(attempt: &AttemptRow) -> Outcome {
        let message = match (attempt.result, attempt.reason.as_str()) {
            (result::ALLOW, _) => "Success. Logging you in...",
            (result::FRAUD, _) => "Login request reported as fraudulent.",
            (result::TIMEOUT, _) => "Login timed out.",
            (_, "verification_code_incorrect") => "Incorrect verification code. Please try again.",
            (_, "no_keys_pressed") => "No keypress detected. Please try again.",
            (_, "delivery_failed") => "The request could not be delivered. Please try another factor.",
            (_, "user_disabled") => "Your account is not permitted to access this application.",
            (_, "user_cancelled") => "Another factor was used.",
            (_, "user_mistake") => "Login request denied.",
            (_, other) => other,
        };
        Outcome {
            allow: attempt.result == result::ALLOW,
            status: attempt.status.clone(),
            message: message.to_owned(),
            trusted_token: None,
        }
    }
}

/// The notice that wakes an attempt's waiters.
pub(crate) fn notice(attempt: AttemptId) -> String {
    format!("attempt:{attempt}")
}

/// Whose notice it is; `None` for those of other things.
pub(crate) fn of_notice(notice: &str) -> Option<AttemptId> {
    notice.strip_prefix("attempt:")?.parse().ok()
}
