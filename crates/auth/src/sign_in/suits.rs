//! Whether what somebody proved elsewhere in the house would be taken at an application.

use crate::{Application, Auth, account::Strength, log, policy::Method};
use store::{AuthLogRow, login::Holder};
use types::{SessionId, UserId};

/// Whether policy takes a passkey of this person at `app` and nothing else.
pub(super) fn takes_only_passkeys(app: &Application, holder: &Holder) -> bool {
    let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
    let policy = app.policies.applied(&groups);
    !Method::WEAKER.into_iter().any(|method| policy.allows(method).0)
}

impl Auth {
    /// Whether a session that was opened by `strength` may lead to `app`: its policy takes such a factor, and a person who has a passkey
    /// doesn't come by something weaker unless the tenant says so. As at a sign-in there.
    #[must_use]
    pub fn suits(&self, app: &Application, holder: &Holder, strength: Strength) -> bool {
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        let allowed = match strength {
            // Which kind of passkey it was isn't known any more; either is enough.
            Strength::Passkey => policy.allows(Method::Passkey).0,
            Strength::Push => policy.allows(Method::Push).0,
            Strength::Otp => policy.allows(Method::Token).0,
            Strength::Sms => policy.allows(Method::Sms).0 || policy.allows(Method::Phone).0,
            // Policies don't name it: a rule of trust was switched on for it, and what an application asks for is asked of its level. But where
            // passkeys alone count, it doesn't.
            Strength::Provider => !app.settings.passkey_only && !takes_only_passkeys(app, holder),
            Strength::Bypass | Strength::Enrollment | Strength::Recovery | Strength::AccessPass => false,
        };
        let has_better = holder.user.passkeys > 0 && policy.allows(Method::Passkey).0;
        allowed && (strength == Strength::Passkey || app.settings.weaker_with_passkey || !has_better)
    }

    /// The line of the authentication log that says that a session has led its owner to an application. The sign-in itself has one of its
    /// own, at the application that asked for it.
    #[must_use]
    pub fn opened(&self, app: &Application, (user, username): (UserId, &str), session: SessionId) -> AuthLogRow {
        let entry = log::Entry {
            user: Some(user),
            username,
            factor: "single_sign_on",
            result: "success",
            reason: "session",
            rule: "single sign-on",
            // That of the browser stands at the session's own sign-in.
            ip: String::new(),
            hostname: "",
            device: String::new(),
            txid: Some(session.to_string()),
        };
        log::row(app, entry, self.world.now(), &self.world)
    }
}
