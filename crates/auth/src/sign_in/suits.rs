//! Whether what somebody proved elsewhere in the house would be taken at an application.

use crate::{Application, Auth, account::Strength, policy::Method};
use store::login::Holder;

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
            Strength::Bypass | Strength::Enrollment | Strength::Recovery | Strength::AccessPass => false,
        };
        let has_better = holder.user.passkeys > 0 && policy.allows(Method::Passkey).0;
        allowed && (strength == Strength::Passkey || app.settings.weaker_with_passkey || !has_better)
    }
}
