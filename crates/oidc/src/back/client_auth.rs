//! Who asks (RFC 6749 §2.3, OpenID Connect Core §9, RFC 8705 §2). A client uses the one method that is set for it: a method that it could use
//! beside would be a way around the better one.

use super::{assertion, mtls};
use crate::frame::{
    error::{Code, OAuthError},
    params::{self, Form},
    place::Place,
};
use auth::AuthError;
use axum::extract::ConnectInfo;
use data_encoding::BASE64;
use http::{header, request::Parts};
use sso::{ClientAuth, OidcClient, Protocol, RelyingParty, SsoError, tokens::ClientCertificates};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// A client that has shown who it is; a public one has only said so.
pub(crate) struct Client {
    pub(crate) party: Arc<RelyingParty>,
}

impl Client {
    /// Counts what is about to be written down, where the client has only said who it is.
    pub(crate) async fn counted(&self, place: &Place, parts: &Parts) -> Result<(), OAuthError> {
        const OFTEN: OAuthError =
            OAuthError::new(Code::TemporarilyUnavailable, "Too many requests. Try again in a minute.");
        if self.settings()?.is_confidential() {
            return Ok(());
        }
        match place.sso().grants().count_stranger(place.tenant, ip(parts)).await {
            Err(SsoError::Auth(AuthError::Limited { .. })) => Err(OFTEN),
            done => done.map_err(|error| OAuthError::ours(&error)),
        }
    }

    /// Its settings.
    pub(crate) fn settings(&self) -> Result<&OidcClient, OAuthError> {
        self.party.oidc().ok_or(REFUSED)
    }
}

/// One text for an unknown client, a wrong secret and a client that is off.
const REFUSED: OAuthError =
    OAuthError::new(Code::InvalidClient, "The client is unknown, or did not show that it is this client.");
const TOO_MANY: OAuthError = OAuthError::invalid_request("The client shows in more than one way who it is.");
/// Bytes of a client's name.
const LONGEST_ID: usize = 1024;
/// Bytes of a secret.
const LONGEST_SECRET: usize = 1024;

/// From where a request comes.
pub(super) fn ip(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// What a request says of its client.
enum Shown<'a> {
    Basic { id: String, secret: String },
    Post { id: &'a str, secret: &'a str },
    Assertion { id: String, text: &'a str },
    Nothing { id: &'a str },
}

/// Finds out who asks.
pub(crate) async fn client(place: &Place, form: &Form) -> Result<Client, OAuthError> {
    let shown = shown(form)?;
    let id = match &shown {
        Shown::Basic { id, .. } | Shown::Assertion { id, .. } => id.as_str(),
        Shown::Post { id, .. } | Shown::Nothing { id } => id,
    };
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(REFUSED);
    }
    // What stands beside must name the same client.
    if form.get("client_id")?.is_some_and(|said| said != id) {
        return Err(REFUSED);
    }
    let party = place.sso().party(place.tenant, Protocol::Oidc, id).await;
    let party = party.map_err(|error| OAuthError::ours(&error))?.filter(|party| party.app.enabled).ok_or(REFUSED)?;
    let settings = party.oidc().ok_or(REFUSED)?;
    let right = match (settings.auth_method, &shown) {
        (ClientAuth::None, Shown::Nothing { .. }) => true,
        (ClientAuth::ClientSecretBasic, Shown::Basic { secret, .. }) => is_secret(place, &party, secret).await?,
        (ClientAuth::ClientSecretPost, Shown::Post { secret, .. }) => is_secret(place, &party, secret).await?,
        (ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt, Shown::Assertion { text, .. }) => {
            assertion::is_right(place, &party, text).await?
        }
        (ClientAuth::TlsClientAuth, Shown::Nothing { .. }) => {
            mtls::is_issued(&settings.tls, ClientCertificates::of(&form.parts), place.now())
        }
        (ClientAuth::SelfSignedTlsClientAuth, Shown::Nothing { .. }) => {
            mtls::is_registered(settings, ClientCertificates::of(&form.parts))
        }
        _ => false,
    };
    let allowed = !settings.fapi
        || matches!(
            settings.auth_method,
            ClientAuth::PrivateKeyJwt | ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth
        );
    if right && allowed { Ok(Client { party }) } else { Err(REFUSED) }
}

async fn is_secret(place: &Place, party: &RelyingParty, secret: &str) -> Result<bool, OAuthError> {
    if secret.is_empty() || secret.len() > LONGEST_SECRET {
        return Ok(false);
    }
    place.sso().check_secret(party, secret).await.map_err(|error| OAuthError::ours(&error))
}

fn shown(form: &Form) -> Result<Shown<'_>, OAuthError> {
    let mut lines = form.parts.headers.get_all(header::AUTHORIZATION).iter();
    let basic = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(line), None) => Some(basic(line.to_str().map_err(|_| REFUSED)?).ok_or(REFUSED)?),
        _ => return Err(TOO_MANY),
    };
    let secret = form.get("client_secret")?;
    let assertion = form.get("client_assertion")?;
    let kind = form.get("client_assertion_type")?;
    let id = form.get("client_id")?;
    match (basic, secret, assertion, kind) {
        (Some((id, secret)), None, None, None) => Ok(Shown::Basic { id, secret }),
        (None, Some(secret), None, None) => Ok(Shown::Post { id: id.ok_or(REFUSED)?, secret }),
        (None, None, Some(text), Some(assertion::TYPE)) => {
            Ok(Shown::Assertion { id: assertion::claimed(text).ok_or(REFUSED)?, text })
        }
        (None, None, None, None) => Ok(Shown::Nothing { id: id.ok_or(REFUSED)? }),
        (None, None, _, _) => Err(REFUSED),
        _ => Err(TOO_MANY),
    }
}

/// RFC 6749 §2.3.1: both parts are written as in a form before base64.
fn basic(line: &str) -> Option<(String, String)> {
    let (scheme, text) = line.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || text.len() > 4 * (LONGEST_ID + LONGEST_SECRET) {
        return None;
    }
    let pair = String::from_utf8(BASE64.decode(text.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    params::decoded(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_read_as_the_rfc_writes_it() {
        let of = |pair: &str| basic(&format!("Basic {}", BASE64.encode(pair.as_bytes())));
        assert_eq!(of("s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw").unwrap().1, "7Fjfp0ZBr1KtDRbnfVdmIw");
        assert_eq!(of("a%3Ab:c+d%25").unwrap(), ("a:b".to_owned(), "c d%".to_owned()));
        assert_eq!(of("https%3A%2F%2Fx:y:z").unwrap(), ("https://x".to_owned(), "y:z".to_owned()));
        for wrong in ["", "no colon", "a%zz:b", "a%f:b", "a:%ff"] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
        for wrong in ["Basic", "Bearer YTpi", "Basic !!!", "Basic YTpi YTpi", &format!("Basic {}", "A".repeat(9000))] {
            assert!(basic(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(line in "\\PC{0,80}|Basic [A-Za-z0-9+/=]{0,80}") {
            let _ = basic(&line);
        }
    }
}
