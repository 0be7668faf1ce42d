//! Ending what was granted: one token, one session, one person, one client, a whole tenant, each in one call.

use super::{ACCESS, Grants, REFRESH, access::digest_of};
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
            let mark = self.mark(tenant, &["token", &claims.jti]).await?;
            let mut tx = scope.begin().await?;
            tx.set_mark(&mark, types::Millis::from_seconds(claims.exp)).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Ends everything of one kind, as an administrator does; gives how many grants that were. For a client or a tenant also the signed tokens
/// that clients got for themselves.
///
/// # Errors
/// [`SsoError::Store`].
pub async fn revoke(scope: &Scope<'_>, which: Ended<'_>) -> Result<usize, SsoError> {
    let (rows, world) = (scope.rows(), scope.world());
    let (mark, object) = match which {
        Ended::Client(ikey) => {
            let row = rows.relying_party(ikey).await?;
            (row.map(|row| ["client".to_owned(), row.key]), ikey.to_owned())
        }
        Ended::Everything => (Some(["tenant".to_owned(), String::new()]), String::new()),
        Ended::UserAt(user, ikey) => (None, format!("{user} {ikey}")),
        Ended::User(user) | Ended::UserBut(user, _) => (None, user.to_string()),
        Ended::Family(id) => (None, id.to_string()),
        Ended::Session(id) => (None, id.to_string()),
    };
    let mark = match &mark {
        Some([over, of]) => Some(digest_of(rows, &[over, of]).await?),
        None => None,
    };
    let now = world.now();
    let mut tx = rows.begin().await?;
    let ended = tx.revoke_grants(which, now).await?;
    if let Some(mark) = mark {
        tx.set_mark(&mark, now + LONGEST_TOKEN).await?;
    }
    tx.log_act(world, scope.actor(), "grants_revoke", &object, &json!({ "grants": ended }).to_string()).await?;
    tx.commit().await?;
    Ok(ended)
}
