//! A request that was checked against its client, as it is kept while its person signs in.

use super::{
    hint,
    reply::{Mode, WayBack},
    request::Request,
};
use crate::frame::{
    error::{Code, OAuthError},
    params::Form,
    place::Place,
};
use auth::sign_in::Level;
use serde::{Deserialize, Serialize};
use sso::{ClientAuth, GrantType, OidcClient, RelyingParty};
use types::Millis;

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) request: Request,
    redirect_uri: String,
    form_post: bool,
    state: Option<String>,
    /// How strongly the person must prove who they are.
    pub(crate) level: Level,
    /// When it came, in Unix milliseconds: what was asked to be fresh is younger.
    asked: i64,
}

/// The settings of a client of this protocol.
pub(crate) fn client(party: &RelyingParty) -> Result<&OidcClient, OAuthError> {
    // It was found by its protocol.
    party.oidc().ok_or(OAuthError::new(Code::ServerError, "The service is temporarily unavailable."))
}

/// The parameters of a request that was pushed (RFC 9126) or signed (RFC 9101); none where they stand in the address. What stands beside
/// such a request doesn't count.
pub(crate) async fn taken(place: &Place, party: &RelyingParty, form: &Form) -> Result<Option<Form>, OAuthError> {
    let (pushed, signed) = (form.get("request_uri")?, form.get("request")?);
    let pairs = match (pushed, signed) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("There is a request and a request_uri: one of them is too many."));
        }
        (Some(uri), None) => crate::back::par::taken(place, party, uri).await?,
        (None, Some(request)) => crate::back::jar::opened(place, party, request).await?,
        (None, None) => {
            crate::back::fapi::may_ask_in_the_open(client(party)?)?;
            return Ok(None);
        }
    };
    let parts = form.parts.clone();
    Ok(Some(Form::of(parts, pairs)))
}

/// Holds a request against what its client may ask.
pub(crate) fn check(
    mut request: Request,
    party: &RelyingParty,
    way: &WayBack,
    asked: Millis,
) -> Result<Pending, OAuthError> {
    let client = client(party)?;
    if !client.may(GrantType::AuthorizationCode) {
        return Err(OAuthError::new(Code::UnauthorizedClient, "This client may not sign people in."));
    }
    // What this client may not have is left out, as the specification has it for what isn't understood (§3.1.2.1).
    request.scopes.retain(|scope| scope == "openid" || client.scopes.iter().any(|own| own == scope));
    if request.scopes.is_empty() {
        return Err(OAuthError::new(Code::InvalidScope, "Of these scopes none is for this client."));
    }
    if request.resources.iter().any(|resource| !client.resources.contains(resource)) {
        return Err(OAuthError::new(
            Code::InvalidTarget,
            "A resource is not one that this client may have tokens for.",
        ));
    }
    request.max_age = request.max_age.or(client.default_max_age);
    if request.code_challenge.is_none() {
        if client.pkce_required || client.fapi || client.auth_method == ClientAuth::None {
            return Err(OAuthError::invalid_request("This client must send a code_challenge (PKCE)."));
        }
        // RFC 9700 §2.1.1: by a challenge or by a nonce, something must tie the code to the browser that asked.
        if request.nonce.is_none() || !request.is_openid() {
            return Err(OAuthError::invalid_request("Without a code_challenge (PKCE) there must be a nonce."));
        }
    }
    let level = client.level.max(asked_level(&request)?);
    Ok(Pending {
        request,
        redirect_uri: way.redirect_uri.clone(),
        form_post: way.mode == Mode::FormPost,
        state: way.state.clone(),
        level,
        asked: asked.0,
    })
}

/// What the request itself asks for: the first of the levels that it names and that are ours. Where none is, that is no reason to refuse,
/// unless the application can't do without (OpenID Connect Core §5.5.1.1).
fn asked_level(request: &Request) -> Result<Level, OAuthError> {
    let first = |texts: &[String]| texts.iter().find_map(|text| Level::of_acr(text));
    let wish = request.wishes.of_id_token("acr");
    match wish.filter(|wish| !wish.values.is_empty()) {
        Some(wish) if wish.essential => first(&wish.values).ok_or(OAuthError::new(
            Code::UnmetAuthenticationRequirements,
            "None of the essential acr values is one of this server.",
        )),
        Some(wish) => Ok(first(&wish.values).unwrap_or(Level::Single)),
        None => Ok(first(&request.acr_values).unwrap_or(Level::Single)),
    }
}

impl Pending {
    /// As it is sealed.
    pub(crate) fn write(&self) -> Result<Vec<u8>, OAuthError> {
        serde_json::to_vec(self).map_err(|error| OAuthError::ours(&error))
    }

    /// From what was sealed.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, OAuthError> {
        serde_json::from_slice(bytes).map_err(|error| OAuthError::ours(&error))
    }

    /// When it came.
    pub(crate) const fn asked(&self) -> Millis {
        Millis(self.asked)
    }

    /// The way back. Its address was verified when the request came.
    pub(crate) fn way(&self, place: &Place) -> WayBack {
        WayBack {
            redirect_uri: self.redirect_uri.clone(),
            mode: if self.form_post { Mode::FormPost } else { Mode::Query },
            state: self.state.clone(),
            issuer: place.issuer.clone(),
        }
    }

    /// The subject that the application's hint names; an error where the hint isn't this client's.
    pub(crate) async fn hinted(&self, place: &Place, party: &RelyingParty) -> Result<Option<String>, OAuthError> {
        match &self.request.id_token_hint {
            Some(text) => Ok(Some(hint::read_for(place, text, &party.key).await?.sub)),
            None => Ok(None),
        }
    }
}
