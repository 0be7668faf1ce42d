//! Is this access token good? The one place where that is decided: for introspection, for userinfo, for an exchange.

use super::{ACCESS, Binding, Granted, Grants, mint::TYPE};
use crate::{SsoError, signing::LONGEST_TOKEN};
use jose::{Algorithms, Audience, Expect, Unverified, Verified, verify_jwt};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use store::{GrantFamilyRow, StandingGrant, fields};
use types::{GrantId, Millis, SessionId, TenantId, UserId};

/// A token that is good at this moment: not over, not ended, of a session that lasts and a person who may sign in.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whose; none for a client's own.
    pub user: Option<UserId>,
    /// The person's name.
    pub username: Option<String>,
    /// To which client it was given.
    pub client_id: String,
    /// The client's integration; none for a client's own signed token.
    pub ikey: Option<String>,
    /// `sub`.
    pub subject: String,
    /// For what.
    pub scopes: Vec<String>,
    /// At which resources; none: at this server alone.
    pub resources: Vec<String>,
    /// When it was made; none for an opaque one.
    pub issued: Option<Millis>,
    /// Until when.
    pub expires: Millis,
    /// Its name, where it has one.
    pub jti: Option<String>,
    /// The key without which it is worth nothing: whoever accepts it must check.
    pub binding: Option<Binding>,
    /// The session with which it ends.
    pub session: Option<SessionId>,
    /// The family.
    pub family: Option<GrantId>,
    /// What was granted; none for a client's own signed token.
    pub granted: Option<Arc<Granted>>,
    /// Who acts for the person.
    pub act: Option<Value>,
}

/// What a signed access token says, as far as it is read here.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) client_id: String,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) jti: String,
    #[serde(default)]
    scope: String,
    aud: Value,
    cnf: Option<Binding>,
    act: Option<Value>,
    pub(super) grant: Option<String>,
}

impl Grants {
    /// What an access token is good for; nothing if it isn't this tenant's, is over, was ended or changed, or its person may not sign in.
    /// `issuer` is the tenant's public address. Whether a client that has a token of its own is still there is the caller's to ask.
    pub async fn access(&self, tenant: TenantId, issuer: &str, text: &str) -> Result<Option<Access>, SsoError> {
        if text.starts_with(ACCESS.prefix) {
            self.opaque(tenant, text).await
        } else {
            self.signed(tenant, issuer, text).await
        }
    }

    async fn opaque(&self, tenant: TenantId, text: &str) -> Result<Option<Access>, SsoError> {
        let Some((token, standing)) = self.find(tenant, ACCESS, text).await? else { return Ok(None) };
        if token.expires <= self.now() || token.used_at.is_some() {
            return Ok(None);
        }
        let Some(username) = self.alive(tenant, &standing).await? else { return Ok(None) };
        let granted = self.open_granted(tenant, &standing.family).await?;
        if !self.is_backed(tenant, &granted).await? {
            return Ok(None);
        }
        let narrowed = self.open_narrowed(tenant, &token, &granted).await?;
        let family = standing.family;
        Ok(Some(Access {
            user: family.user_id,
            username,
            client_id: granted.client_id.clone(),
            ikey: Some(family.ikey),
            subject: granted.subject.clone(),
            scopes: narrowed.scopes,
            resources: narrowed.resources,
            issued: None,
            expires: token.expires,
            jti: None,
            binding: narrowed.binding,
            session: family.session_id,
            family: Some(family.id),
            act: granted.act.clone(),
            granted: Some(Arc::new(granted)),
        }))
    }

    async fn signed(&self, tenant: TenantId, issuer: &str, text: &str) -> Result<Option<Access>, SsoError> {
        let Some(claims) = self.verified(tenant, issuer, text).await? else { return Ok(None) };
        let family = match claims.grant.as_deref().map(str::parse::<GrantId>).transpose() {
            Ok(family) => family,
            Err(_) => return Ok(None),
        };
        let scope = self.auth.store().tenant(tenant);
        let marks = [
            mark(scope, &["token", &claims.jti]).await?,
            mark(scope, &["client", &claims.client_id]).await?,
            mark(scope, &["tenant", ""]).await?,
        ];
        let times = self.auth.session_times(tenant).await?;
        let (standing, marked) = scope.grant_family_and_marks(family, &marks, times).await?;
        let issued = Millis::from_seconds(claims.iat);
        // A token's own mark, or one that was set over all tokens of a client or a tenant after this one was made.
        let ended = marked.iter().enumerate().any(|(place, until)| match (place, until) {
            (_, None) => false,
            (0, Some(_)) => true,
            (_, Some(until)) => issued <= *until - LONGEST_TOKEN,
        });
        if ended {
            return Ok(None);
        }
        let (username, granted) = match (&standing, family) {
            (Some(standing), Some(_)) => {
                let Some(username) = self.alive(tenant, standing).await? else { return Ok(None) };
                let granted = self.open_granted(tenant, &standing.family).await?;
                if !self.is_backed(tenant, &granted).await? {
                    return Ok(None);
                }
                (username, Some(Arc::new(granted)))
            }
            (None, Some(_)) => return Ok(None),
            _ => (None, None),
        };
        let audience = match claims.aud {
            Value::String(one) => vec![one],
            Value::Array(several) => several.into_iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
            _ => return Ok(None),
        };
        let row: Option<GrantFamilyRow> = standing.map(|standing| standing.family);
        Ok(Some(Access {
            user: row.as_ref().and_then(|row| row.user_id),
            username,
            client_id: claims.client_id,
            ikey: row.as_ref().map(|row| row.ikey.clone()),
            subject: claims.sub,
            scopes: claims.scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            resources: if audience == [issuer] { Vec::new() } else { audience },
            issued: Some(issued),
            expires: Millis::from_seconds(claims.exp),
            jti: Some(claims.jti),
            binding: claims.cnf,
            session: row.as_ref().and_then(|row| row.session_id),
            family,
            granted,
            act: claims.act,
        }))
    }

    /// The claims of a signed access token of this tenant, if its signature and its times are right.
    pub(super) async fn verified(
        &self,
        tenant: TenantId,
        issuer: &str,
        text: &str,
    ) -> Result<Option<Claims>, SsoError> {
        // What can't be one isn't worth a look for keys.
        let Some(token) = Unverified::parse(text).ok().filter(|token| token.typ() == Some(TYPE)) else {
            return Ok(None);
        };
        let keys = self.keys.verifiers(tenant, token.kid()).await?;
        let expect = Expect::new(issuer, Audience::Unchecked, self.now()).of_type(&[TYPE]);
        let claims = verify_jwt::<Claims>(text, &keys, Algorithms::ASYMMETRIC, &expect);
        Ok(claims.ok().map(Verified::into_claims))
    }

    /// Whether a family goes on, with its person's name, if it has one. Nothing if it doesn't.
    async fn alive(&self, tenant: TenantId, standing: &StandingGrant) -> Result<Option<Option<String>>, SsoError> {
        let family = &standing.family;
        if family.revoked_at.is_some() || family.expires <= self.now() || !standing.session_lasts {
            return Ok(None);
        }
        let app = self.auth.applications().get(&family.ikey).await?.filter(|app| app.tenant == tenant);
        let Some(app) = app.filter(|app| app.enabled) else { return Ok(None) };
        match family.user_id {
            None => Ok(Some(None)),
            Some(user) => Ok(self.auth.still_admitted(&app, user).await?.map(|holder| Some(holder.user.username))),
        }
    }

    /// Whether all go on from which this was exchanged.
    async fn is_backed(&self, tenant: TenantId, granted: &Granted) -> Result<bool, SsoError> {
        if granted.exchanged_from.is_empty() {
            return Ok(true);
        }
        let scope = self.auth.store().tenant(tenant);
        let times = self.auth.session_times(tenant).await?;
        for before in &granted.exchanged_from {
            let Ok(id) = before.parse::<GrantId>() else { return Ok(false) };
            let goes_on = scope.grant_family(id, times).await?.is_some_and(|before| {
                before.family.revoked_at.is_none() && before.family.expires > times.now && before.session_lasts
            });
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The hash under which something is marked.
pub(super) async fn mark(rows: store::Tenant<'_>, parts: &[&str]) -> Result<[u8; 32], SsoError> {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Ok(rows.keys().await?.digest(fields::SPENT, &parts))
}
