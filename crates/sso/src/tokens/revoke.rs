//! Ending what was granted: one token, one session, one person, one client, a whole tenant, each in one call.

use super::{ACCESS, Grants, REFRESH};
use crate::{SsoError, signing::LONGEST_TOKEN};
use store::Ended;
use types::TenantId;

impl Grants {
    /// Ends a token of the client `ikey` (RFC 7009): a refresh token with its whole family, an access token alone. A token that isn't there, or is
    /// another client's, is left as it is, and nobody is told which.
    pub async fn revoke_token(
        &self,
        tenant: TenantId,
        (ikey, client_id): (&str, &str),
        issuer: &str,
        text: &str,
    ) -> Result<(), SsoError> {
        let now = self.now();
        let scope = self.auth.store().tenant(tenant);
        for kind in [REFRESH, ACCESS] {
            let Some((token, standing)) = self.find(tenant, kind, text).await? else { continue };
            if standing.family.ikey != ikey {
                return Ok(());
            }
            let mut tx = scope.begin().await?;
            if kind.name == REFRESH.name {
                tx.revoke_grants(Ended::Family(standing.family.id), now).await?;
            } else {
                tx.spend_grant_token(&token.digest, kind.name, now).await?;
            }
            return Ok(tx.commit().await?);
        }
        let signed = self.verified(tenant, issuer, text).await?;
        if let Some(claims) = signed.filter(|claims| claims.client_id == client_id) {
            let mark = self.mark(tenant, &["token", &claims.jti]).await?;
            let mut tx = scope.begin().await?;
            tx.set_mark(&mark, types::Millis::from_seconds(claims.exp)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Ends everything of one kind; gives how many grants that were. For a client or a tenant also the signed tokens that clients got for themselves.
    pub async fn revoke(&self, tenant: TenantId, which: Ended<'_>) -> Result<usize, SsoError> {
        let now = self.now();
        let mark = match which {
            Ended::Client(ikey) => match self.client_id(tenant, ikey).await? {
                Some(client_id) => Some(self.mark(tenant, &["client", &client_id]).await?),
                None => None,
            },
            Ended::Everything => Some(self.mark(tenant, &["tenant", ""]).await?),
            _ => None,
        };
        let mut tx = self.auth.store().tenant(tenant).begin().await?;
        let ended = tx.revoke_grants(which, now).await?;
        if let Some(mark) = mark {
            tx.set_mark(&mark, now + LONGEST_TOKEN).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// What a client is called in its tokens.
    async fn client_id(&self, tenant: TenantId, ikey: &str) -> Result<Option<String>, SsoError> {
        let row = self.auth.store().tenant(tenant).relying_party(ikey).await?;
        Ok(row.map(|row| row.key))
    }
}
