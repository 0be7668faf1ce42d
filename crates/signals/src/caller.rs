//! Who asks: an OpenID client of the tenant at whose host the request arrived, by its access token, and with the key that this is bound to.

use crate::{Door, error::Refusal};
use http::request::Parts;
use sso::{
    OidcClient, Protocol, RelyingParty, Sso,
    tokens::{self, ProofError, Proving},
};
use std::sync::Arc;
use types::TenantId;

/// What a caller must be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// To make, change and read streams, and poll.
    Manage,
    /// To read and poll.
    Read,
    /// To end everything of a person.
    Revoke,
}

impl Scope {
    /// The scopes that give it.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Manage => &["ssf.manage"],
            Self::Read => &["ssf.read", "ssf.manage"],
            Self::Revoke => &["global_token_revocation"],
        }
    }

    /// Whether a client is on, and has it by its registration.
    pub(crate) fn is_of(self, party: &RelyingParty) -> bool {
        let has = |client: &OidcClient| client.scopes.iter().any(|scope| self.words().contains(&scope.as_str()));
        party.app.enabled && party.oidc().is_some_and(has)
    }
}

/// A client that has proved itself.
pub(crate) struct Caller {
    pub(crate) sso: Arc<Sso>,
    pub(crate) tenant: TenantId,
    pub(crate) issuer: String,
    pub(crate) party: Arc<RelyingParty>,
}

impl Caller {
    /// The client of a request, if its token is for this.
    pub(crate) async fn of(door: &Door, parts: &Parts, scope: Scope) -> Result<Self, Refusal> {
        let sso = Arc::clone(&door.sso);
        let place = sso.place(parts).await?.ok_or(Refusal::NotFound)?;
        let issuer = sso.issuer(&place.api_host);
        let (scheme, token) = tokens::brought(&parts.headers).ok().flatten().ok_or(Refusal::Token)?;
        let grants = sso.grants();
        let access = grants.access(place.tenant, &issuer, token).await?.ok_or(Refusal::Token)?;
        // A token for others' resources is worth nothing here.
        if !access.resources.is_empty() && !access.resources.contains(&issuer) {
            return Err(Refusal::Token);
        }
        let party = sso.party(place.tenant, Protocol::Oidc, &access.client_id).await?.ok_or(Refusal::Token)?;
        let settings = party.oidc().filter(|_| party.app.enabled).ok_or(Refusal::Token)?;
        let uri = format!("{issuer}{}", parts.uri.path());
        let allowed = settings.proof_algorithms();
        let proving = Proving { parts, uri: &uri, token: Some(token), needs_nonce: false, allowed };
        if !grants.holds(place.tenant, &access, settings, scheme, proving).await? {
            return Err(Refusal::Token);
        }
        // What a program may do for somebody is not what it may do by itself.
        if access.user.is_some() || !scope.words().iter().any(|word| access.scopes.iter().any(|has| has == word)) {
            return Err(Refusal::Scope);
        }
        Ok(Self { sso, tenant: place.tenant, issuer, party })
    }

    /// The tenant's rows.
    pub(crate) fn rows(&self) -> store::Tenant<'_> {
        self.sso.store().tenant(self.tenant)
    }
}

impl From<ProofError> for Refusal {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Refused | ProofError::Nonce => Self::Token,
            ProofError::Ours(error) => error.into(),
        }
    }
}
