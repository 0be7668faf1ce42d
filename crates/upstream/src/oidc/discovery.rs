//! What a provider says of itself (OpenID Connect Discovery 1.0), and its keys.

use std::{sync::Arc, time::Duration};

use jose::{JwkSet, KeySet};
use outbound::{FetchError, MAX_ANSWER, Request};
use serde_json::{Map, Value};
use types::Millis;

use super::{OidcError, Upstream};
use crate::{Loaded, check_address};

/// How long both are fresh; a key that is missing is looked for at once.
const FRESH: Duration = Duration::from_secs(3_600);
/// How long they are used while the provider can't be asked.
const USABLE: Duration = Duration::from_secs(24 * 3_600);

/// A provider's endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Where browsers are sent to.
    pub authorization_endpoint: String,
    /// Where codes are redeemed.
    pub token_endpoint: String,
    /// Where more is said of a person.
    pub userinfo_endpoint: Option<String>,
    /// Where its keys are.
    pub jwks_uri: String,
    /// It names itself when a browser comes back (RFC 9207): then it must.
    pub names_itself: bool,
}

impl Discovery {
    /// Reads the document of the provider `issuer`.
    ///
    /// # Errors
    /// [`OidcError::Issuer`] if it is another's; [`OidcError::Answer`] if an endpoint is missing or isn't `https`.
    pub fn parse(octets: &[u8], issuer: &str) -> Result<Self, OidcError> {
        let document = jose::json::parse_object(octets, MAX_ANSWER).map_err(|_| OidcError::Answer("configuration"))?;
        // OpenID Connect Discovery, 4.3: letter by letter.
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(OidcError::Issuer);
        }
        let names_itself = document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        Ok(Self {
            authorization_endpoint: needed(&document, "authorization_endpoint")?,
            token_endpoint: needed(&document, "token_endpoint")?,
            userinfo_endpoint: endpoint(&document, "userinfo_endpoint")?,
            jwks_uri: needed(&document, "jwks_uri")?,
            names_itself,
        })
    }
}

fn needed(document: &Map<String, Value>, name: &str) -> Result<String, OidcError> {
    endpoint(document, name)?.ok_or(OidcError::Answer("configuration"))
}

fn endpoint(document: &Map<String, Value>, name: &str) -> Result<Option<String>, OidcError> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let address = value.as_str().filter(|address| check_address(address).is_ok());
    address.map(|address| Some(address.to_owned())).ok_or(OidcError::Answer("configuration"))
}

impl Upstream {
    /// The provider's endpoints: as they were, while that is fresh.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn discovery(&self, now: Millis) -> Result<Arc<Discovery>, OidcError> {
        self.discovery.get(now, OidcError::Paused, || self.load_discovery(now)).await
    }

    async fn load_discovery(&self, now: Millis) -> Result<Loaded<Discovery>, OidcError> {
        let issuer = self.registration.issuer.as_str();
        // OpenID Connect Discovery, 4.1: a slash at the end of the issuer isn't doubled.
        let address = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let value = Discovery::parse(&self.get(&address).await?, issuer)?;
        Ok(Loaded { value, fresh_until: now + FRESH, usable_until: now + USABLE })
    }

    /// The provider's keys; anew, if `missing` is a key that isn't among them.
    pub(super) async fn keys(
        &self,
        discovery: &Discovery,
        missing: Option<&str>,
        now: Millis,
    ) -> Result<Arc<KeySet>, OidcError> {
        let keys = self.keys.get(now, OidcError::Paused, || self.load_keys(discovery, now)).await?;
        match missing {
            Some(kid) if !keys.has(kid) => {
                self.keys.renew(now, OidcError::Paused, || self.load_keys(discovery, now)).await
            }
            _ => Ok(keys),
        }
    }

    async fn load_keys(&self, discovery: &Discovery, now: Millis) -> Result<Loaded<KeySet>, OidcError> {
        let set = JwkSet::parse(&self.get(&discovery.jwks_uri).await?)?;
        let value = KeySet::from_jwks(&set);
        if value.is_empty() {
            return Err(OidcError::Answer("key set"));
        }
        Ok(Loaded { value, fresh_until: now + FRESH, usable_until: now + USABLE })
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>, OidcError> {
        let fetched = self.fetch.fetch(Request::get(address)).await?;
        if fetched.status == 200 { Ok(fetched.body) } else { Err(FetchError::Unreachable.into()) }
    }
}
