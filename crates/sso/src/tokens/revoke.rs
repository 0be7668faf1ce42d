//! Ending what was granted: one token by its client; by an administrator all of an application, or of the tenant, in one call.

use super::{ACCESS, Grants, REFRESH, access::mark};
use crate::{SsoError, signing::LONGEST_TOKEN};
use directory::Scope;
use serde_json::json;
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
            let mark = mark(scope, &["token", &claims.jti]).await?;
            let mut tx = scope.begin().await?;
            tx.set_mark(&mark, types::Millis::from_seconds(claims.exp)).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Ends all that was granted to an application, or to every one, as an administrator does; gives how many grants that were. Also the signed
/// tokens that clients got for themselves.
///
/// # Errors
/// [`SsoError::Store`].
pub async fn revoke(scope: &Scope<'_>, ikey: Option<&str>) -> Result<usize, SsoError> {
    let (rows, world) = (scope.rows(), scope.world());
    let (which, mark) = match ikey {
        Some(ikey) => (
            Ended::Client(ikey),
            match rows.relying_party(ikey).await? {
                Some(row) => Some(mark(rows, &["client", &row.key]).await?),
                None => None,
            },
        ),
        None => (Ended::Everything, Some(mark(rows, &["tenant", ""]).await?)),
    };
    let now = world.now();
    let mut tx = rows.begin().await?;
    let ended = tx.revoke_grants(which, now).await?;
    if let Some(mark) = mark {
        tx.set_mark(&mark, now + LONGEST_TOKEN).await?;
    }
    let detail = json!({ "grants": ended }).to_string();
    tx.log_act(world, scope.actor(), "grants_revoke", ikey.unwrap_or_default(), &detail).await?;
    tx.commit().await?;
    Ok(ended)
}
