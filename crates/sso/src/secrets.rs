//! Relying parties' secrets: kept as keyed hashes, compared without telling how far they agree.

use crate::{RelyingParty, Sso, SsoError, party::SecretHash};
use data_encoding::HEXLOWER;
use keys::Token;
use store::fields;
use types::{SecretString, TenantId, ct_eq};

/// How a client's secret begins, so that a leaked one can be scanned for.
const PREFIX: &str = "cscs";

impl Sso {
    /// Whether this is one of the client's secrets, and counts still. A client without secrets has none that is right.
    pub async fn check_secret(&self, party: &RelyingParty, presented: &str) -> Result<bool, SsoError> {
        let Some(client) = party.oidc() else { return Ok(false) };
        let now = self.world().now();
        let keys = self.store().tenant(party.tenant()).keys().await?;
        let parts: [&[u8]; 2] = [party.ikey().as_bytes(), presented.as_bytes()];
        let digests = keys.digest_candidates(fields::RELYING_PARTY_SECRET, &parts);
        let mut right = false;
        for secret in client.secrets.iter().filter(|secret| secret.expires.is_none_or(|until| now.0 < until)) {
            let Ok(known) = HEXLOWER.decode(secret.digest.as_bytes()) else { continue };
            right |= digests.iter().any(|digest| ct_eq(digest, &known));
        }
        Ok(right)
    }

    /// A new secret for a client, and what of it is kept.
    pub async fn new_secret(&self, tenant: TenantId, ikey: &str) -> Result<(SecretString, SecretHash), SsoError> {
        let token = Token::generate(PREFIX, self.world().random.as_ref());
        let secret = SecretString::new(token.expose().to_owned());
        let hash = self.hash_secret(tenant, ikey, &secret).await?;
        Ok((secret, hash))
    }

    /// What is kept of a secret that a client has already.
    pub async fn hash_secret(
        &self,
        tenant: TenantId,
        ikey: &str,
        secret: &SecretString,
    ) -> Result<SecretHash, SsoError> {
        let keys = self.store().tenant(tenant).keys().await?;
        let parts: [&[u8]; 2] = [ikey.as_bytes(), secret.expose().as_bytes()];
        let digest = keys.digest(fields::RELYING_PARTY_SECRET, &parts);
        Ok(SecretHash { digest: HEXLOWER.encode(&digest), created: self.world().now().0, expires: None })
    }
}
