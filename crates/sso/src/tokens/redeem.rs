//! A client brings a code or a refresh token, and gets tokens for it.

use super::{
    Binding, CODE, CODE_LIFE, GrantError, Granted, Grants, Kind, Minted, REFRESH, Want, mint::Narrowed, pkce, seconds,
};
use crate::{OidcClient, RelyingParty, SsoError};
use store::{Ended, GrantTokenRow, Outcome, StandingGrant};
use types::{GrantId, TenantId};

/// What comes with a code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Present<'a> {
    /// Where the code was sent, by the client's word.
    pub redirect_uri: Option<&'a str>,
    /// PKCE's verifier.
    pub code_verifier: Option<&'a str>,
}

const UNKNOWN: GrantError = GrantError::Refused("unknown, used, too old or another client's");
const WEAK: GrantError = GrantError::Refused("the person must sign in again, in another way");
const NOBODY: GrantError = GrantError::Refused("the person may not sign in");

/// A code or a refresh token that is good, with what was granted.
struct Found {
    token: GrantTokenRow,
    standing: StandingGrant,
    granted: Granted,
}

impl Grants {
    /// Redeems a code, once. One that comes a second time ends its family, with every token that came of it (RFC 9700 §4.5); so does one that
    /// comes from its client with another address, verifier or key than it was asked for with: somebody is trying. A scope or a resource that
    /// wasn't granted is the client's mistake ([`GrantError::Scope`], [`GrantError::Target`]), and uses nothing up.
    pub async fn redeem_code(
        &self,
        party: &RelyingParty,
        code: &str,
        present: Present<'_>,
        want: &Want,
    ) -> Result<Minted, GrantError> {
        let found = self.present(party, CODE, code).await?;
        let (family, tenant) = (found.standing.family.id, party.tenant());
        if let Err(error) = fits(&found.granted, present, want) {
            self.end(tenant, family).await?;
            return Err(error);
        }
        let granted = Granted { binding: want.binding.clone(), ..found.granted.clone() };
        let narrowed = Narrowed::of(&granted, want)?;
        let Some(user) = found.standing.family.user_id else { return Err(UNKNOWN) };
        if self.auth.still_admitted(&party.app, user).await?.is_none() {
            self.end(tenant, family).await?;
            return Err(NOBODY);
        }
        let generation = granted.refresh.then_some(0);
        let struck = self.strike(party, &found.standing.family, generation, &granted, &narrowed, &want.issuer).await?;
        let settled = match &granted.binding {
            Some(_) => Some(self.seal_granted(tenant, family, &granted).await?),
            None => None,
        };
        let now = self.now();
        let mut plan = self.auth.store().tenant(tenant).plan();
        let spent = plan.spend_grant_token(&found.token.digest, CODE.name, now);
        let ended = plan.revoke_grant_family(family, now);
        plan.unless(ended, &[spent]);
        if let Some(detail) = settled {
            let settled = plan.settle_grant_family(family, &detail, found.standing.family.expires);
            plan.after(settled, &[spent]);
            plan.require(settled);
        }
        struck.write(&mut plan, Some(spent));
        match plan.commit().await? {
            Outcome::Committed(changes) if changes.made(spent) => {
                Ok(struck.minted(Some(&found.standing.family), granted, narrowed))
            }
            _ => Err(UNKNOWN),
        }
    }

    /// Refreshes: a new access token, and a new refresh token where it is used once. Of a hundred who present the same one at once one
    /// gets tokens, and the others end its family.
    pub async fn refresh(&self, party: &RelyingParty, token: &str, want: &Want) -> Result<Minted, GrantError> {
        let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
        let found = self.present(party, REFRESH, token).await?;
        let (family, tenant) = (found.standing.family.id, party.tenant());
        bound(client, found.granted.binding.as_ref(), want.binding.as_ref())?;
        let narrowed = Narrowed::of(&found.granted, want)?;
        if let Some(user) = found.standing.family.user_id {
            let Some(holder) = self.auth.still_admitted(&party.app, user).await? else { return Err(NOBODY) };
            if !self.suits(party, &holder, &found.granted) {
                self.end(tenant, family).await?;
                return Err(WEAK);
            }
        }
        let generation = found.granted.rotates.then(|| found.token.generation + 1);
        let struck =
            self.strike(party, &found.standing.family, generation, &found.granted, &narrowed, &want.issuer).await?;
        let now = self.now();
        let digest = &found.token.digest;
        let mut plan = self.auth.store().tenant(tenant).plan();
        let spent = generation.map(|_| plan.spend_grant_token(digest, REFRESH.name, now));
        if let Some(spent) = spent {
            let ended = plan.revoke_grant_family(family, now);
            plan.unless(ended, &[spent]);
        } else {
            let until = (now + seconds(client.refresh_idle_seconds)).min(found.standing.family.expires);
            plan.prolong_grant_token(digest, REFRESH.name, until, now);
        }
        struck.write(&mut plan, spent);
        let Outcome::Committed(changes) = plan.commit().await? else { return Err(UNKNOWN) };
        if spent.is_some_and(|spent| !changes.made(spent)) {
            tracing::warn!(%tenant, ikey = party.ikey(), "a refresh token was used twice; its grant is ended");
            return Err(UNKNOWN);
        }
        Ok(struck.minted(Some(&found.standing.family), found.granted, narrowed))
    }

    /// Looks at what a client presents: it must be this client's, unused, in time, of a family that wasn't ended and a session that lasts.
    async fn present(&self, party: &RelyingParty, kind: Kind, text: &str) -> Result<Found, GrantError> {
        let tenant = party.tenant();
        let Some((token, standing)) = self.find(tenant, kind, text).await? else { return Err(UNKNOWN) };
        let now = self.now();
        if standing.family.ikey != party.ikey() {
            // Not ended: a client that isn't asked to prove who it is could end others' grants with what it saw in passing.
            tracing::warn!(%tenant, ikey = party.ikey(), kind = kind.name, "a grant of another client was presented");
            return Err(UNKNOWN);
        }
        // Once is enough: who brings it again and again writes nothing.
        if token.used_at.is_some() && standing.family.revoked_at.is_none() {
            self.end(tenant, standing.family.id).await?;
            tracing::warn!(%tenant, ikey = party.ikey(), kind = kind.name, "a grant was presented again; it is ended");
            return Err(UNKNOWN);
        }
        let over = token.expires <= now || standing.family.expires <= now;
        if over || standing.family.revoked_at.is_some() || !standing.session_lasts {
            return Err(UNKNOWN);
        }
        let granted = self.open_granted(tenant, &standing.family).await?;
        if granted.client_id != party.key {
            return Err(UNKNOWN);
        }
        Ok(Found { token, standing, granted })
    }

    async fn end(&self, tenant: TenantId, family: GrantId) -> Result<(), SsoError> {
        let mut tx = self.auth.store().tenant(tenant).begin().await?;
        tx.revoke_grants(Ended::Family(family), self.now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Whether a code's request and what its client brings belong together.
fn fits(granted: &Granted, present: Present<'_>, want: &Want) -> Result<(), GrantError> {
    match (granted.redirect_uri.as_deref(), present.redirect_uri) {
        (wanted, Some(given)) if wanted == Some(given) => {}
        // OAuth 2.1 leaves it to PKCE; RFC 6749 §4.1.3 wants it where there is none.
        (_, None) if granted.code_challenge.is_some() => {}
        _ => return Err(GrantError::Refused("the redirect_uri isn't the one that was asked for")),
    }
    pkce::check(granted.code_challenge.as_deref(), present.code_verifier)?;
    match (&granted.code_key, &want.binding) {
        (None, _) => Ok(()),
        (Some(wanted), Some(Binding::Key(given))) if wanted == given => Ok(()),
        (Some(_), _) => Err(GrantError::Binding),
    }
}

/// Whether a refresh token comes with the key that it needs. A client that proves who it is may have a new key (RFC 9449 §5), but not none; one
/// that doesn't must have the same one.
fn bound(client: &OidcClient, granted: Option<&Binding>, given: Option<&Binding>) -> Result<(), GrantError> {
    let right = match (granted, given) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(granted), Some(given)) if client.is_confidential() => {
            std::mem::discriminant(granted) == std::mem::discriminant(given)
        }
        (Some(granted), Some(given)) => granted == given,
    };
    if right { Ok(()) } else { Err(GrantError::Binding) }
}

const _: () = assert!(CODE_LIFE.as_secs() <= 60, "FAPI 2.0 §5.3.2.1: a code lives a minute at most");
