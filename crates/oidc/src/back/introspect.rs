//! `POST /oidc/introspect` (RFC 7662): is this token good? As JSON, or signed (RFC 9701) for who asks for that.

use super::{
    answer,
    client_auth::{self, Client},
};
use crate::frame::{
    error::{Code, OAuthError},
    params::{Form, Source},
    place::{Asked, Place},
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use jose::Algorithm;
use serde_json::{Map, Value, json};
use sso::{
    Protocol,
    tokens::{Access, Binding},
};

/// Bytes of a request.
const MOST: usize = 48 * 1024;
/// The signed form (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// The handler.
pub(super) async fn introspect(place: Place, asked: Asked) -> Response {
    let form = match Form::read_up_to(asked, Source::Body, MOST).await {
        Ok(form) => form,
        Err((parts, error)) => return answer::answer(&place, &parts.headers, Err(error)).await,
    };
    match told(&place, &form).await {
        Ok((told, client)) if wants_signed(&form) => {
            signed(&place, &client, told).await.unwrap_or_else(OAuthError::json)
        }
        Ok((told, _)) => answer::answer(&place, &form.parts.headers, Ok(Value::Object(told))).await,
        Err(error) => answer::answer(&place, &form.parts.headers, Err(error)).await,
    }
}

async fn told(place: &Place, form: &Form) -> Result<(Map<String, Value>, Client), OAuthError> {
    let client = client_auth::client(place, form).await?;
    // Who can't show who they are could try tokens here.
    if !client.settings()?.is_confidential() {
        return Err(OAuthError::new(Code::InvalidClient, "A client that can not keep a secret may not introspect."));
    }
    let token = form.required("token", "The token is missing.")?;
    let access = place.sso().grants().access(place.tenant, &place.issuer, token).await;
    let access = access.map_err(|error| OAuthError::ours(&error))?;
    let told = match access {
        Some(access) if may_know(&access, &client)? && is_there(place, &access).await? => active(place, &access),
        // RFC 7662 §2.2: nothing else is told of a token that isn't good, or isn't this client's to know.
        _ => Map::from_iter([("active".to_owned(), Value::Bool(false))]),
    };
    Ok((told, client))
}

/// Whether a client may be told of a token: of its own, of those that are for it, and, where it is a resource and nothing else, of all that are for
/// no other.
fn may_know(access: &Access, client: &Client) -> Result<bool, OAuthError> {
    let settings = client.settings()?;
    let is_resource = settings.grant_types.is_empty();
    let own = access.client_id == client.party.key || access.resources.contains(&client.party.key);
    let for_it = access.resources.iter().any(|resource| settings.resources.contains(resource));
    Ok(own || (is_resource && (access.resources.is_empty() || for_it)))
}

/// Whether the client that has the token is there, and on.
async fn is_there(place: &Place, access: &Access) -> Result<bool, OAuthError> {
    let party = place.sso().party(place.tenant, Protocol::Oidc, &access.client_id).await;
    Ok(party.map_err(|error| OAuthError::ours(&error))?.is_some_and(|party| party.app.enabled))
}

fn active(place: &Place, access: &Access) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    let text = |text: Option<&String>| text.map_or(Value::Null, |text| text.as_str().into());
    let audience = match access.resources.as_slice() {
        [] => place.issuer.as_str().into(),
        [one] => one.as_str().into(),
        several => Value::from(several),
    };
    put("active", true.into());
    put("scope", if access.scopes.is_empty() { Value::Null } else { access.scopes.join(" ").into() });
    put("client_id", access.client_id.as_str().into());
    put("username", text(access.username.as_ref()));
    put("token_type", if matches!(access.binding, Some(Binding::Key(_))) { "DPoP" } else { "Bearer" }.into());
    put("exp", access.expires.seconds().into());
    put("iat", access.issued.map_or(Value::Null, |issued| issued.seconds().into()));
    put("sub", access.subject.as_str().into());
    put("aud", audience);
    put("iss", place.issuer.as_str().into());
    put("jti", text(access.jti.as_ref()));
    put("cnf", access.binding.as_ref().map_or(Value::Null, |binding| json!(binding)));
    put("act", access.act.clone().unwrap_or_default());
    if let Some(granted) = &access.granted {
        put("acr", text(granted.acr.as_ref()));
        put("auth_time", granted.auth_time.into());
    }
    out
}

fn wants_signed(form: &Form) -> bool {
    let mut lines = form.parts.headers.get_all(header::ACCEPT).iter();
    lines.any(|line| line.to_str().is_ok_and(|line| line.split(',').any(|kind| kind.trim() == SIGNED)))
}

async fn signed(place: &Place, client: &Client, told: Map<String, Value>) -> Result<Response, OAuthError> {
    let claims = json!({
        "iss": place.issuer, "aud": client.party.key, "iat": place.now().seconds(), "token_introspection": told,
    });
    let name = &client.settings()?.id_token_alg;
    let algorithm = Algorithm::from_name(name).filter(|one| *one != Algorithm::Hs256).unwrap_or(Algorithm::Es256);
    let keys = place.sso().signing();
    let text = keys.sign_jwt(place.tenant, algorithm, "token-introspection+jwt", &claims).await;
    let text = text.map_err(|error| OAuthError::ours(&error))?;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SIGNED));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
