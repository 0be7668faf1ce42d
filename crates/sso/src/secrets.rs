//! Relying parties' secrets: kept as keyed hashes, compared without telling how far they agree.

use crate::{RelyingParty, Sso, SsoError};
use data_encoding::HEXLOWER;
use store::fields;
use types::ct_eq;

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
}
