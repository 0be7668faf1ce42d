//! Who may go on, before any factor: the user's state, the application's rules, the network.
//!
//! The order is from the strictest to the mildest, so that no mild rule hides a strict one: disabled, locked out, not permitted,
//! blocked network; then what lets somebody in without a second factor; then what is asked of a new user.

use crate::{
    Auth,
    application::{Application, UserAccess},
    attempt::{Admission, Client, Decision, Subject, Verdict},
    error::AuthError,
    policy::{NetworkVerdict, NewUser, Rule, UserAuth},
};
use store::login::{Holder, Who};
use types::{GroupId, Normalization, UserId, UserName};

fn decision(verdict: Verdict, reason: &'static str, rule: impl Into<Rule>, message: &str) -> Decision {
    Decision { verdict, reason, rule: rule.into(), message: message.to_owned() }
}

const DENIED: &str = "Your account is not permitted to access this application.";
/// What is said to somebody who has enrolled, and has nothing left that works.
const NOTHING_LEFT: &str = "Nothing that your account signs in with can be used now.";

/// Why somebody new is let in or kept out.
const NEW_ALLOWED: &str = "allow_unenrolled_user";
pub(crate) const NEW_DENIED: &str = "deny_unenrolled_user";

impl Decision {
    /// Whether it lets somebody go on because they have enrolled nothing yet.
    fn is_for_the_new(&self) -> bool {
        self.verdict != Verdict::Deny && matches!(self.reason, NEW_ALLOWED | NEW_DENIED)
    }
}

impl Auth {
    /// Finds the user and decides how far they may go without a factor.
    pub async fn admit(&self, app: &Application, subject: &Subject, client: &Client) -> Result<Admission, AuthError> {
        let by_id = matches!(subject, Subject::Id(_));
        let found = match subject {
            Subject::Id(id) => self.login.find(app.tenant, Who::Id(*id)).await?,
            Subject::Name(name) => self.find_by_name(app, name).await?,
        };
        match found {
            Some(mut holder) => {
                self.end_lockout_if_due(app, &mut holder).await?;
                let mut decided = decide(app, &holder, client);
                if decided.is_for_the_new() && self.has_enrolled(app, &holder).await? {
                    decided = decision(Verdict::Deny, NEW_DENIED, "account: nothing usable is left", NOTHING_LEFT);
                }
                if decided.verdict == Verdict::Challenge {
                    self.store.numbers().live(app.tenant, holder.user.id, &holder.phones, self.world.now());
                }
                Ok(Admission { decision: decided, holder: Some(holder) })
            }
            None if by_id => Err(AuthError::NoUser),
            None => Ok(Admission { decision: decide_unknown(app, client), holder: None }),
        }
    }

    /// The person, if they may sign in at an application still: for whoever acts by what was granted to them, wherever that is.
    pub async fn still_admitted(&self, app: &Application, user: UserId) -> Result<Option<Holder>, AuthError> {
        match self.admit(app, &Subject::Id(user), &Client::by_grant()).await {
            Ok(admission) => Ok(match admission.decision.verdict {
                Verdict::Allow | Verdict::Challenge => admission.holder,
                Verdict::Deny | Verdict::Enroll => None,
            }),
            Err(AuthError::NoUser) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// By the name as it stands first, for accounts that are named by a mail address; then by the application's short form.
    async fn find_by_name(&self, app: &Application, name: &str) -> Result<Option<Holder>, AuthError> {
        let short = UserName::new(name, app.normalization)?;
        let whole = UserName::new(name, Normalization::None)?;
        if whole != short
            && let Some(found) = self.login.find(app.tenant, Who::Name(whole)).await?
        {
            return Ok(Some(found));
        }
        Ok(self.login.find(app.tenant, Who::Name(short)).await?)
    }

    /// Whether somebody without a usable device has enrolled before: their passkeys are suspended, or they kept recovery codes when they
    /// removed the last one. Such an account isn't new: otherwise it would be open to the first who has its password and enrols.
    pub(crate) async fn has_enrolled(&self, app: &Application, holder: &Holder) -> Result<bool, AuthError> {
        let scope = self.store.tenant(app.tenant);
        let user = holder.user.id;
        Ok(!scope.passkeys_of_user(user).await?.is_empty()
            || !scope.recovery_secrets(user, "code", self.world.now()).await?.is_empty())
    }

    async fn end_lockout_if_due(&self, app: &Application, holder: &mut Holder) -> Result<(), AuthError> {
        let (Some(since), Some(length)) = (holder.user.locked_at, app.settings.lockout_length()) else { return Ok(()) };
        if self.world.now() < since + length {
            return Ok(());
        }
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if tx.end_lockout(holder.user.id, since).await? {
            tx.commit().await?;
            holder.user.locked_at = None;
            holder.user.failures = 0;
        }
        Ok(())
    }
}

/// The rules for a user who is known.
fn decide(app: &Application, holder: &Holder, client: &Client) -> Decision {
    if !app.enabled {
        return decision(Verdict::Deny, "denied_by_policy", "application: disabled", DENIED);
    }
    let user = &holder.user;
    let group_status = |status: &str| holder.groups.iter().find(|group| group.status.eq_ignore_ascii_case(status));
    if user.status == "disabled" {
        return decision(Verdict::Deny, "user_disabled", "user status: disabled", "Your account is disabled.");
    }
    if user.deleted_at.is_some() || user.status == "pending deletion" {
        return decision(Verdict::Deny, "user_disabled", "user status: pending deletion", "Your account is disabled.");
    }
    if let Some(group) = group_status("disabled") {
        return decision(
            Verdict::Deny,
            "user_disabled",
            format!("group {}: disabled", group.name),
            "Your account is disabled.",
        );
    }
    if user.locked_at.is_some() || user.failures >= app.settings.threshold() || user.status == "locked out" {
        return decision(Verdict::Deny, "locked_out", "setting: lockout_threshold", "Your account is locked out.");
    }
    let groups: Vec<GroupId> = holder.groups.iter().map(|group| group.id).collect();
    match app.access {
        UserAccess::AllUsers => {}
        UserAccess::PermittedGroups if groups.iter().any(|group| app.groups_allowed.contains(group)) => {}
        UserAccess::PermittedGroups | UserAccess::NoUsers => {
            return decision(Verdict::Deny, "user_not_in_permitted_group", "application: user_access", DENIED);
        }
    }
    let policy = app.policies.applied(&groups);
    let (network, network_rule) = policy.network_of(client);
    if network == NetworkVerdict::Blocked {
        return decision(Verdict::Deny, "denied_network", network_rule, "Access from your network is not permitted.");
    }
    let (asked, asked_rule) = policy.user_auth();
    if asked == UserAuth::Deny {
        return decision(Verdict::Deny, "denied_by_policy", asked_rule, DENIED);
    }
    // Where passkeys alone count, nobody's status stands for one. What policies would let in, they don't then (`policy.rs`).
    let strict = app.settings.passkey_only;
    if user.status == "bypass" && !strict {
        return decision(Verdict::Allow, "bypass_user", "user status: bypass", "Account is in bypass mode.");
    }
    if let Some(group) = group_status("bypass").filter(|_| !strict) {
        return decision(
            Verdict::Allow,
            "bypass_user",
            format!("group {}: bypass", group.name),
            "Account is in bypass mode.",
        );
    }
    if asked == UserAuth::Bypass {
        return decision(Verdict::Allow, "allowed_by_policy", asked_rule, "Bypassing second factor by policy.");
    }
    if network == NetworkVerdict::Trusted {
        return decision(Verdict::Allow, "trusted_network", network_rule, "Your network is trusted.");
    }
    if holder.phones.is_empty() && holder.tokens.is_empty() && user.passkeys == 0 {
        return decide_new(policy.new_user());
    }
    decision(Verdict::Challenge, "", asked_rule, "Account is active")
}

/// The rules for a name that nobody has. Networks come first here too.
fn decide_unknown(app: &Application, client: &Client) -> Decision {
    if !app.enabled {
        return decision(Verdict::Deny, "denied_by_policy", "application: disabled", DENIED);
    }
    if app.access != UserAccess::AllUsers {
        return decision(Verdict::Deny, "user_not_in_permitted_group", "application: user_access", DENIED);
    }
    let policy = app.policies.applied(&[]);
    let (network, rule) = policy.network_of(client);
    match (network, policy.user_auth()) {
        (NetworkVerdict::Blocked, _) => {
            decision(Verdict::Deny, "denied_network", rule, "Access from your network is not permitted.")
        }
        (_, (UserAuth::Deny, rule)) => decision(Verdict::Deny, "denied_by_policy", rule, DENIED),
        (_, (UserAuth::Bypass, rule)) => {
            decision(Verdict::Allow, "allowed_by_policy", rule, "Bypassing second factor by policy.")
        }
        (NetworkVerdict::Trusted, _) => decision(Verdict::Allow, "trusted_network", rule, "Your network is trusted."),
        (NetworkVerdict::Normal, _) => decide_new(policy.new_user()),
    }
}

fn decide_new((behavior, rule): (NewUser, Rule)) -> Decision {
    match behavior {
        NewUser::Allow => decision(Verdict::Allow, NEW_ALLOWED, rule, "Allowing unknown user"),
        NewUser::Deny => decision(Verdict::Deny, NEW_DENIED, rule, DENIED),
        NewUser::Enroll => decision(Verdict::Enroll, NEW_DENIED, rule, "Enroll an authentication device to proceed"),
    }
}
