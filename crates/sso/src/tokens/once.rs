//! What may be seen once: proofs, assertions, pushed requests; and the nonces that make proofs fresh.

use super::{Grants, access::mark};
use crate::{RelyingParty, SsoError};
use std::time::Duration;
use store::{PushedRequestRow, StoreError, fields};
use types::{Millis, TenantId};

/// How long a pushed request waits for its browser (RFC 9126 §2.2; FAPI 2.0: less than 600 seconds).
pub const PUSHED_LIFE: Duration = Duration::from_secs(90);
/// What a pushed request's address begins with (RFC 9126 §2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
/// Prefix of its secret part.
const PREFIX: &str = "cspr";
/// A nonce is new for so long.
const NONCE_STEP: i64 = 120_000;
/// And accepted for so many steps more.
const NONCE_STEPS: i64 = 2;
/// Bytes of a nonce's tag.
const NONCE_TAG: usize = 16;

impl Grants {
    /// Notes that something was seen; whether it was new. `what` it is, `by` whom it came and its `name` tell it from all others; until `expires` it
    /// would have been accepted again.
    pub async fn once(
        &self,
        tenant: TenantId,
        what: &str,
        by: &str,
        name: &str,
        expires: Millis,
    ) -> Result<bool, SsoError> {
        let scope = self.auth.store().tenant(tenant);
        let mark = mark(scope, &["once", what, by, name]).await?;
        let mut tx = scope.begin().await?;
        let new = tx.spend_once(&mark, expires).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Keeps an authorisation request that a client sent ahead; gives its `request_uri`.
    pub async fn push(&self, party: &RelyingParty, parameters: &[(String, String)]) -> Result<String, SsoError> {
        let tenant = party.tenant();
        let scope = self.auth.store().tenant(tenant);
        let keys = scope.keys().await?;
        let random = self.auth.world().random.as_ref();
        let token = keys::Token::generate(PREFIX, random);
        let digest = keys.digest(fields::PUSHED_REQUEST, &[token.expose().as_bytes()]);
        let text = serde_json::to_vec(parameters).map_err(|_| SsoError::Damaged("pushed request"))?;
        let sealed = keys.seal(fields::pushed_request(&digest), &text, random).map_err(StoreError::from)?;
        let expires = self.now() + PUSHED_LIFE;
        let row = PushedRequestRow { digest: digest.to_vec(), ikey: party.ikey().to_owned(), sealed, expires };
        let mut tx = scope.begin().await?;
        tx.insert_pushed_request(&row).await?;
        tx.commit().await?;
        Ok(format!("{PUSHED}{}", token.expose()))
    }

    /// Whether a `request_uri` is one that this server gave: no other is ever looked at.
    #[must_use]
    pub fn is_pushed(request_uri: &str) -> bool {
        request_uri.strip_prefix(PUSHED).is_some_and(|token| keys::Token::parse(PREFIX, token).is_ok())
    }

    /// Takes a pushed request of this client out: once, and in time.
    pub async fn pushed(
        &self,
        party: &RelyingParty,
        request_uri: &str,
    ) -> Result<Option<Vec<(String, String)>>, SsoError> {
        let Some(Ok(token)) = request_uri.strip_prefix(PUSHED).map(|text| keys::Token::parse(PREFIX, text)) else {
            return Ok(None);
        };
        let scope = self.auth.store().tenant(party.tenant());
        let now = self.now();
        for digest in scope.keys().await?.digest_candidates(fields::PUSHED_REQUEST, &[token.expose().as_bytes()]) {
            let mut tx = scope.begin().await?;
            let taken = tx.take_pushed_request(&digest, party.ikey(), now).await?;
            tx.commit().await?;
            if let Some(row) = taken {
                let text = scope.open(fields::pushed_request(&digest), &row.sealed).await?;
                let parameters = serde_json::from_slice(text.expose());
                return parameters.map(Some).map_err(|_| SsoError::Damaged("pushed request"));
            }
        }
        Ok(None)
    }

    /// A nonce for proofs of possession. No row stands behind it: it is its time, with a tag of the tenant's key.
    pub async fn dpop_nonce(&self, tenant: TenantId) -> Result<String, SsoError> {
        let step = self.now().0.div_euclid(NONCE_STEP);
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let tag = keys.digest(fields::DPOP_NONCE, &[&step.to_be_bytes()]);
        let mut nonce = step.to_be_bytes().to_vec();
        nonce.extend(tag.iter().take(NONCE_TAG));
        Ok(jose::base64url(&nonce))
    }

    /// The nonces that are accepted now: each is compared as a whole.
    pub async fn dpop_nonces(&self, tenant: TenantId) -> Result<Vec<String>, SsoError> {
        let newest = self.now().0.div_euclid(NONCE_STEP);
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let mut accepted = Vec::new();
        // One step ahead, for another node's clock.
        for step in (newest - NONCE_STEPS..=newest + 1).rev() {
            for tag in keys.digest_candidates(fields::DPOP_NONCE, &[&step.to_be_bytes()]) {
                let mut nonce = step.to_be_bytes().to_vec();
                nonce.extend(tag.iter().take(NONCE_TAG));
                accepted.push(jose::base64url(&nonce));
            }
        }
        Ok(accepted)
    }
}
