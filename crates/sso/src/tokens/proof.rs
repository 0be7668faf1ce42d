//! An access token as it is brought, and the key without which it is worth nothing (RFC 6750 §2.1, RFC 9449 §7, RFC 8705 §3): the same for
//! every door that gives something for one.

use super::{Access, Binding, Grants};
use crate::{OidcClient, SsoError};
use http::{HeaderMap, header, request::Parts};
use jose::{
    Algorithms,
    dpop::{self, DpopError, Expect},
};
use std::{sync::Arc, time::Duration};
use types::TenantId;

/// How old a proof may be.
const MAX_AGE: Duration = Duration::from_secs(120);
/// How far a client's clock may be ahead.
const LEEWAY: Duration = Duration::from_secs(10);
/// Bytes of a token: more has none.
const LONGEST: usize = 16 * 1024;

/// The certificates that a client showed in its handshake, its own first, in DER. The listener puts them into a request's extensions, once it has
/// verified that the client has the key; a header never does.
#[derive(Clone)]
pub struct ClientCertificates(pub Arc<[Vec<u8>]>);

impl ClientCertificates {
    /// What the client of a request showed.
    #[must_use]
    pub fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get::<Self>().filter(|shown| !shown.0.is_empty())
    }

    /// The key of its own certificate, for tokens that shall be worth nothing without it.
    #[must_use]
    pub fn binding(parts: &Parts) -> Option<Binding> {
        let own = Self::of(parts)?.0.first()?;
        Some(Binding::Certificate(jose::certificate_thumbprint(own)))
    }
}

/// By which scheme a token was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As what is worth something by itself.
    Bearer,
    /// With a proof (RFC 9449 §7.1).
    Dpop,
}

/// Why there is no token in a request that should have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// There are two `Authorization` headers.
    Twice,
    /// It is for something else, or can't be read.
    Unreadable,
}

/// The token of a request's one `Authorization` header; none where there is no such header.
///
/// # Errors
/// See [`BadToken`].
pub fn brought(headers: &HeaderMap) -> Result<Option<(Scheme, &str)>, BadToken> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line.to_str().map_err(|_| BadToken::Unreadable)?,
        _ => return Err(BadToken::Twice),
    };
    let (scheme, token) = line.split_once(' ').ok_or(BadToken::Unreadable)?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Scheme::Bearer,
        "dpop" => Scheme::Dpop,
        _ => return Err(BadToken::Unreadable),
    };
    let token = token.trim();
    if token.is_empty() || token.len() > LONGEST { Err(BadToken::Unreadable) } else { Ok(Some((scheme, token))) }
}

/// Why a proof doesn't count.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// It isn't for this request, isn't young, was seen before, or there are two: `invalid_dpop_proof`.
    #[error("the proof isn't one for this request, or was used before")]
    Refused,
    /// It lacks a nonce of this server: `use_dpop_nonce`.
    #[error("the proof has no nonce of this server")]
    Nonce,
    /// What went wrong here.
    #[error(transparent)]
    Ours(#[from] SsoError),
}

/// A request that may come with a proof.
#[derive(Clone, Copy)]
pub struct Proving<'a> {
    /// The request.
    pub parts: &'a Parts,
    /// Its address, as the tenant's own name makes it.
    pub uri: &'a str,
    /// The access token that the proof must be for.
    pub token: Option<&'a str>,
    /// Whether it must have a nonce of this server. Where a resource is asked for it needn't: it is for one token there, and seen once.
    pub needs_nonce: bool,
    /// With what it may be signed.
    pub allowed: Algorithms,
}

impl OidcClient {
    /// With what the client's proofs may be signed.
    #[must_use]
    pub const fn proof_algorithms(&self) -> Algorithms {
        if self.fapi { Algorithms::FAPI } else { Algorithms::ASYMMETRIC }
    }
}

impl Grants {
    /// The key that a request proves to have; none where it has no proof. Each proof is accepted once.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub async fn proved(&self, tenant: TenantId, proving: Proving<'_>) -> Result<Option<Binding>, ProofError> {
        let Some(text) = proof_of(&proving.parts.headers)? else { return Ok(None) };
        let nonces = self.dpop_nonces(tenant).await?;
        let known = |given: Option<&str>| match given {
            _ if !proving.needs_nonce => true,
            None => false,
            Some(given) => nonces.iter().any(|one| one == given),
        };
        let expect = Expect {
            method: proving.parts.method.as_str(),
            uri: proving.uri,
            now: self.now(),
            max_age: MAX_AGE,
            leeway: LEEWAY,
            access_token: proving.token,
            allowed: proving.allowed,
            nonce: &known,
        };
        let proof = match dpop::verify(text, &expect) {
            Ok(proof) => proof,
            Err(DpopError::Nonce) => return Err(ProofError::Nonce),
            Err(DpopError::Refused(error)) => {
                tracing::info!(%tenant, %error, "a proof of possession was refused");
                return Err(ProofError::Refused);
            }
        };
        if !self.once(tenant, "dpop", &proof.thumbprint, &proof.jti, proof.expires + LEEWAY).await? {
            return Err(ProofError::Refused);
        }
        Ok(Some(Binding::Key(proof.thumbprint)))
    }

    /// Whether a request that brought an access token has the key to which that is bound; so does every request with one that is bound to none.
    /// `client` is whose token it is, `proving` the request with the token.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub async fn holds(
        &self,
        tenant: TenantId,
        access: &Access,
        client: &OidcClient,
        scheme: Scheme,
        proving: Proving<'_>,
    ) -> Result<bool, ProofError> {
        match &access.binding {
            None => Ok(scheme == Scheme::Bearer),
            Some(bound @ Binding::Key(_)) => {
                let proving = Proving { allowed: client.proof_algorithms(), ..proving };
                let proved = self.proved(tenant, proving).await?;
                // As a bearer token it would be worth something without its key (RFC 9449 §7.2).
                Ok(scheme == Scheme::Dpop && proved.as_ref() == Some(bound))
            }
            Some(bound @ Binding::Certificate(_)) => {
                Ok(ClientCertificates::binding(proving.parts).as_ref() == Some(bound))
            }
        }
    }
}

/// The one proof of a request (RFC 9449 §4.3, check 1).
fn proof_of(headers: &HeaderMap) -> Result<Option<&str>, ProofError> {
    let mut lines = headers.get_all("dpop").iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| ProofError::Refused),
        _ => Err(ProofError::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn of(lines: &[&str]) -> Result<Option<(Scheme, String)>, BadToken> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, line.parse().unwrap());
        }
        brought(&headers).map(|found| found.map(|(scheme, token)| (scheme, token.to_owned())))
    }

    #[test]
    fn one_header_with_one_token() {
        assert_eq!(of(&["Bearer abc"]), Ok(Some((Scheme::Bearer, "abc".to_owned()))));
        assert_eq!(of(&["dPoP abc"]), Ok(Some((Scheme::Dpop, "abc".to_owned()))));
        assert_eq!(of(&[]), Ok(None));
        for wrong in ["Bearer", "Bearer ", "Basic abc", "", &format!("Bearer {}", "a".repeat(LONGEST + 1))] {
            assert_eq!(of(&[wrong]), Err(BadToken::Unreadable));
        }
        assert_eq!(of(&["Bearer abc", "Bearer abc"]), Err(BadToken::Twice));
    }

    proptest! {
        #[test]
        fn no_header_panics(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                let mut headers = HeaderMap::new();
                headers.insert(header::AUTHORIZATION, value);
                let _ = brought(&headers);
            }
        }
    }
}
