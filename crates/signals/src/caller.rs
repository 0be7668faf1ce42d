//! Who asks: an OpenID client of the tenant at whose host the request arrived, by its access token.

use crate::{Door, error::Refusal};
use http::{header, request::Parts};
use sso::{Protocol, RelyingParty, Sso};
use std::sync::Arc;
use types::TenantId;

/// Longer ones are nobody's, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;

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
        let token = bearer(parts).ok_or(Refusal::Token)?;
        let access = sso.grants().access(place.tenant, &issuer, token).await?.ok_or(Refusal::Token)?;
        // A token that is bound to a key is worth nothing without it, and a token for others' resources nothing here.
        if access.binding.is_some() || !access.resources.is_empty() {
            return Err(Refusal::Token);
        }
        // What a program may do for somebody is not what it may do by itself.
        if access.user.is_some() || !scope.words().iter().any(|word| access.scopes.iter().any(|has| has == word)) {
            return Err(Refusal::Scope);
        }
        let party = sso.party(place.tenant, Protocol::Oidc, &access.client_id).await?.ok_or(Refusal::Token)?;
        if !party.app.enabled {
            return Err(Refusal::Token);
        }
        Ok(Self { sso, tenant: place.tenant, issuer, party })
    }

    /// The tenant's rows.
    pub(crate) fn rows(&self) -> store::Tenant<'_> {
        self.sso.store().tenant(self.tenant)
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1), if there is one such header.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut lines = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (line, None) = (lines.next()?.to_str().ok()?, lines.next()) else { return None };
    let (scheme, token) = line.split_once(' ')?;
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= LONGEST_TOKEN;
    fits.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn of(lines: &[&str]) -> Option<String> {
        let mut request = Request::builder();
        for line in lines {
            request = request.header("authorization", *line);
        }
        bearer(&request.body(()).unwrap().into_parts().0).map(str::to_owned)
    }

    #[test]
    fn one_header_with_one_token() {
        assert_eq!(of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(of(&["bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Bearer "]), None);
        assert_eq!(of(&["Basic abc"]), None);
        assert_eq!(of(&["Bearer abc", "Bearer abc"]), None);
        assert_eq!(of(&[&format!("Bearer {}", "a".repeat(9000))]), None);
    }
}
