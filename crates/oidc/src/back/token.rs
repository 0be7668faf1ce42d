//! `POST /oidc/token` (RFC 6749 §3.2, OpenID Connect Core §3.1.3): tokens, for whatever is presented.

use super::{
    answer::{self, refused, scopes},
    client_auth::{self, Client},
    dpop, exchange, fapi,
};
use crate::{
    frame::{
        error::{Code, OAuthError},
        params::{Form, Source},
        place::{Asked, Place},
    },
    front::id_token,
};
use axum::response::Response;
use serde_json::{Map, Value};
use sso::{
    GrantType,
    tokens::{Binding, ClientCertificates, Granted, Minted, Polled, Present, Want},
};

/// Bytes of a request: assertions and subject tokens are long.
const MOST: usize = 48 * 1024;
/// Resources of one request.
const MOST_RESOURCES: usize = 8;

/// The handler.
pub(super) async fn token(place: Place, asked: Asked) -> Response {
    let form = match Form::read_up_to(asked, Source::Body, MOST).await {
        Ok(form) => form,
        Err((parts, error)) => return answer::answer(&place, &parts.headers, Err(error)).await,
    };
    let done = granted(&place, &form).await;
    answer::answer(&place, &form.parts.headers, done).await
}

async fn granted(place: &Place, form: &Form) -> Result<Value, OAuthError> {
    let grant = grant_type(form.required("grant_type", "The grant_type is missing.")?)?;
    let client = client_auth::client(place, form).await?;
    let settings = client.settings()?;
    if !settings.may(grant) {
        return Err(OAuthError::new(Code::UnauthorizedClient, "This client may not use this grant_type."));
    }
    let want = want(place, form, &client).await?;
    match grant {
        GrantType::AuthorizationCode => code(place, form, &client, &want).await,
        GrantType::RefreshToken => refresh(place, form, &client, &want).await,
        GrantType::ClientCredentials => own(place, &client, &want).await,
        GrantType::DeviceCode => device(place, form, &client, &want).await,
        GrantType::TokenExchange => exchange::exchange(place, form, &client, &want).await,
    }
}

fn grant_type(name: &str) -> Result<GrantType, OAuthError> {
    let known = serde_json::from_value(Value::from(name));
    known.map_err(|_| OAuthError::new(Code::UnsupportedGrantType, "The grant_type is not one of this server."))
}

/// What is wanted, and with which key.
async fn want(place: &Place, form: &Form, client: &Client) -> Result<Want, OAuthError> {
    let settings = client.settings()?;
    if form.parts.headers.contains_key(answer::DPOP) {
        client.counted(place, &form.parts).await?;
    }
    let proved = dpop::proved(place, form, super::TOKEN, settings).await?;
    let binding = match proved {
        Some(key) => Some(key),
        None if settings.certificate_bound => ClientCertificates::binding(&form.parts),
        None => None,
    };
    fapi::is_bound(settings, binding.as_ref())?;
    Ok(Want {
        issuer: place.issuer.clone(),
        scopes: scopes(form.get("scope")?)?,
        resources: resources(form)?,
        binding,
        until: None,
    })
}

/// RFC 8707 §2.
pub(super) fn resources(form: &Form) -> Result<Option<Vec<String>>, OAuthError> {
    let all = form.all("resource");
    if all.len() > MOST_RESOURCES {
        return Err(OAuthError::new(Code::InvalidTarget, "There are too many resources."));
    }
    Ok(Some(all.into_iter().map(str::to_owned).collect::<Vec<_>>()).filter(|all| !all.is_empty()))
}

async fn code(place: &Place, form: &Form, client: &Client, want: &Want) -> Result<Value, OAuthError> {
    let code = form.required("code", "The code is missing.")?;
    let present = Present { redirect_uri: form.get("redirect_uri")?, code_verifier: form.get("code_verifier")? };
    // What the code is for was said where the person agreed to it.
    let want = Want { scopes: None, ..want.clone() };
    let minted = place.sso().grants().redeem_code(&client.party, code, present, &want).await.map_err(refused)?;
    body(place, client, minted, Some(code)).await
}

async fn refresh(place: &Place, form: &Form, client: &Client, want: &Want) -> Result<Value, OAuthError> {
    let token = form.required("refresh_token", "The refresh_token is missing.")?;
    let minted = place.sso().grants().refresh(&client.party, token, want).await.map_err(refused)?;
    body(place, client, minted, None).await
}

/// RFC 6749 §4.4: what a client may do in its own name. There is no person, so nothing that tells of one.
async fn own(place: &Place, client: &Client, want: &Want) -> Result<Value, OAuthError> {
    let settings = client.settings()?;
    if !settings.is_confidential() {
        return Err(OAuthError::new(
            Code::UnauthorizedClient,
            "A client that can not keep a secret has no tokens of its own.",
        ));
    }
    let of_people = ["openid", "profile", "email", "phone", "address", "groups", "offline_access"];
    let own = |scope: &String| !of_people.contains(&scope.as_str());
    let all: Vec<String> = settings.scopes.iter().filter(|scope| own(scope)).cloned().collect();
    if want.scopes.as_ref().is_some_and(|wanted| !wanted.iter().all(|scope| all.contains(scope))) {
        return Err(OAuthError::new(Code::InvalidScope, "A scope is not one that this client may have for itself."));
    }
    let granted = Granted {
        client_id: client.party.key.clone(),
        subject: client.party.key.clone(),
        scopes: want.scopes.clone().unwrap_or(all),
        resources: want.resources.clone().unwrap_or_default(),
        ..Granted::default()
    };
    if !granted.resources.iter().all(|resource| settings.resources.contains(resource)) {
        return Err(OAuthError::new(
            Code::InvalidTarget,
            "A resource is not one that this client may have tokens for.",
        ));
    }
    let minted = place.sso().grants().grant(&client.party, None, granted, want).await.map_err(refused)?;
    body(place, client, minted, None).await
}

/// RFC 8628 §3.4.
async fn device(place: &Place, form: &Form, client: &Client, want: &Want) -> Result<Value, OAuthError> {
    let code = form.required("device_code", "The device_code is missing.")?;
    let want = Want { scopes: None, ..want.clone() };
    match place.sso().grants().poll_device(&client.party, code, &want).await.map_err(refused)? {
        Polled::Granted(minted) => body(place, client, *minted, None).await,
        Polled::Pending => Err(OAuthError::new(Code::AuthorizationPending, "")),
        Polled::SlowDown => Err(OAuthError::new(Code::SlowDown, "")),
        Polled::Denied => Err(OAuthError::new(Code::AccessDenied, "")),
        Polled::Expired => Err(OAuthError::new(Code::ExpiredToken, "")),
    }
}

/// RFC 6749 §5.1, with the id token where one was asked for.
async fn body(place: &Place, client: &Client, minted: Minted, code: Option<&str>) -> Result<Value, OAuthError> {
    let ours = |error: sso::SsoError| OAuthError::ours(&error);
    let mut out = success(&minted);
    if let Some(user) = minted.user
        && minted.scopes.iter().any(|scope| scope == "openid")
    {
        let person = place.sso().person(&client.party, user).await.map_err(ours)?;
        let person = person.ok_or(OAuthError::new(Code::InvalidGrant, "The person is not there any more."))?;
        let token = id_token::of(place, &client.party, &person, &minted, code).await.map_err(ours)?;
        out.insert("id_token".to_owned(), token.into());
    }
    Ok(Value::Object(out))
}

/// The members that every answer with tokens has.
pub(super) fn success(minted: &Minted) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("access_token", minted.access_token.expose().into());
    put("token_type", token_type(minted).into());
    put("expires_in", minted.expires_in.as_secs().into());
    if let Some(refresh) = &minted.refresh_token {
        put("refresh_token", refresh.expose().into());
    }
    if !minted.scopes.is_empty() {
        put("scope", minted.scopes.join(" ").into());
    }
    out
}

fn token_type(minted: &Minted) -> &'static str {
    if matches!(minted.binding, Some(Binding::Key(_))) { "DPoP" } else { "Bearer" }
}
