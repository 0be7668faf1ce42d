//! Known browsers: each success leaves a secret of its own in the browser, one for each person who signs in there.
//!
//! A secret is made for one person and counts for that person only. So whoever used a shared browser before has nothing that counts
//! for the next one, and nobody can plant a secret that they know.

use super::{BROWSER_LIFE, Browser};
use crate::{Auth, AuthError};
use keys::Token;
use store::fields;
use types::{SecretString, TenantId, UserId};

/// How such a secret begins.
const PREFIX: &str = "csbr";
/// Between the secrets in the cookie.
const BETWEEN: char = '.';
/// So many people are known in one browser; the one who came longest ago is forgotten.
const MOST: usize = 4;

impl Auth {
    /// Whether the person has signed in with this browser before.
    pub(crate) async fn knows(&self, tenant: TenantId, user: UserId, browser: &Browser) -> Result<bool, AuthError> {
        Ok(self.secret_of(tenant, user, browser).await?.is_some())
    }

    /// The person's secret in this browser.
    async fn secret_of(
        &self,
        tenant: TenantId,
        user: UserId,
        browser: &Browser,
    ) -> Result<Option<(Token, [u8; 32])>, AuthError> {
        let scope = self.store.tenant(tenant);
        let now = self.world.now();
        for token in secrets(browser) {
            let parts: [&[u8]; 2] = [user.as_bytes(), token.expose().as_bytes()];
            for digest in scope.keys().await?.digest_candidates(fields::BROWSER, &parts) {
                if scope.browser_known(user, &digest, now).await? {
                    return Ok(Some((token, digest)));
                }
            }
        }
        Ok(None)
    }

    /// Knows this browser from now on: the new value of its cookie. For whoever has just seen proof that it is the person's.
    pub(crate) async fn know_browser(
        &self,
        tenant: TenantId,
        user: UserId,
        browser: &Browser,
    ) -> Result<SecretString, AuthError> {
        let scope = self.store.tenant(tenant);
        let now = self.world.now();
        let (token, digest) = match self.secret_of(tenant, user, browser).await? {
            Some(known) => known,
            None => {
                let token = Token::generate(PREFIX, self.world.random.as_ref());
                let parts: [&[u8]; 2] = [user.as_bytes(), token.expose().as_bytes()];
                let digest = scope.keys().await?.digest(fields::BROWSER, &parts);
                (token, digest)
            }
        };
        let mut tx = scope.begin().await?;
        tx.know_browser(user, digest, now, now + BROWSER_LIFE).await?;
        tx.commit().await?;
        let mut cookie = token.expose().to_owned();
        for other in secrets(browser).filter(|other| other.expose() != token.expose()).take(MOST - 1) {
            cookie.push(BETWEEN);
            cookie.push_str(other.expose());
        }
        Ok(SecretString::new(cookie))
    }
}

/// The well-formed secrets in a browser's cookie, the latest first.
fn secrets(browser: &Browser) -> impl Iterator<Item = Token> {
    let cookie = browser.known.as_ref().map(SecretString::expose).unwrap_or_default();
    cookie.split(BETWEEN).take(MOST).filter_map(|text| Token::parse(PREFIX, text).ok())
}
