//! Remembered devices: a token that a sign-in leaves behind stands for the factor for a while, at one application.

use crate::{Application, Auth, AuthError, policy::Rule};
use keys::Token;
use store::{fields, login::Holder};
use types::SecretString;

/// How such a token begins, so that a leaked one can be scanned for.
const PREFIX: &str = "cstd";

impl Auth {
    /// Which rule lets the bearer of `token` in, if one does. A token outlives neither its policy nor its own time.
    pub(crate) async fn trusted(
        &self,
        app: &Application,
        holder: &Holder,
        token: &SecretString,
    ) -> Result<Option<Rule>, AuthError> {
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let (Some(length), rule) = app.policies.applied(&groups).remember() else { return Ok(None) };
        // A typo or garbage is refused before any look-up.
        let Ok(token) = Token::parse(PREFIX, token.expose()) else { return Ok(None) };
        let scope = self.store.tenant(app.tenant);
        let now = self.world.now();
        for digest in scope.keys().await?.digest_candidates(fields::TRUSTED_DEVICE, &[token.expose().as_bytes()]) {
            let since = scope.trusted_since(&digest, holder.user.id, &app.ikey, now).await?;
            if since.is_some_and(|since| now < since + length) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// A new token after a sign-in, where policy lets devices be remembered.
    pub(crate) async fn trust(&self, app: &Application, holder: &Holder) -> Result<Option<SecretString>, AuthError> {
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let (Some(length), _) = app.policies.applied(&groups).remember() else { return Ok(None) };
        let token = Token::generate(PREFIX, self.world.random.as_ref());
        let scope = self.store.tenant(app.tenant);
        let digest = scope.keys().await?.digest(fields::TRUSTED_DEVICE, &[token.expose().as_bytes()]);
        let now = self.world.now();
        let mut tx = scope.begin().await?;
        tx.trust_device(digest, holder.user.id, &app.ikey, now, now + length).await?;
        tx.commit().await?;
        Ok(Some(SecretString::new(token.expose().to_owned())))
    }
}
