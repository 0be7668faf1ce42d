//! Dynamic registration (RFC 7591, OpenID Connect Dynamic Registration 1.0) and its management (RFC 7592).
//!
//! It is off: a tenant has it when an administrator has given out an initial access token, for as many registrations and as long as that
//! says. What registers itself can do less than what an administrator sets up (see `metadata`), and an administrator sees it in the log.

pub(crate) mod metadata;

use crate::frame::{
    error::{Code, OAuthError, json_response},
    headers::readable_everywhere,
    place::{Asked, Place},
};
use axum::{
    body::to_bytes,
    extract::Path,
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use directory::DirectoryError;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keys::Token;
use metadata::Metadata;
use serde_json::{Map, Value};
use sso::{
    ClientAuth, Kind, OidcClient, Protocol, RelyingParty, Settings, SsoError,
    manage::{self, NewParty, NewSecret},
    tokens::{self, Scheme},
};
use std::sync::Arc;
use store::fields;
use types::ct_eq;

/// The longest metadata, in bytes.
const LONGEST: usize = 64 * 1024;
/// How registration access tokens begin.
const MANAGE: &str = "csra";

const NO_LEAVE: OAuthError = OAuthError::new(Code::InvalidToken, "The initial access token is not one that counts.");
const NOT_YOURS: OAuthError =
    OAuthError::new(Code::InvalidToken, "The registration access token is not this client's.");

/// `POST /oidc/register`.
pub(super) async fn register(place: Place, asked: Asked) -> Response {
    finish(registered(&place, asked).await)
}

/// `GET /oidc/register/{client}` (RFC 7592 §2.1).
pub(super) async fn read(place: Place, Path(client_id): Path<String>, headers: HeaderMap) -> Response {
    finish(
        async {
            let (party, token) = own(&place, &client_id, &headers).await?;
            let client = settings(&party)?;
            Ok(told(&place, StatusCode::OK, &party.key, &party.app.name, client, &token, None))
        }
        .await,
    )
}

/// `PUT /oidc/register/{client}` (RFC 7592 §2.2).
pub(super) async fn update(place: Place, Path(client_id): Path<String>, headers: HeaderMap, asked: Asked) -> Response {
    finish(updated(&place, &client_id, &headers, asked).await)
}

/// `DELETE /oidc/register/{client}` (RFC 7592 §2.3).
pub(super) async fn remove(place: Place, Path(client_id): Path<String>, headers: HeaderMap) -> Response {
    finish(
        async {
            let (party, _) = own(&place, &client_id, &headers).await?;
            let directory = place.door.directory.tenant(place.tenant, party.ikey());
            directory.delete_integration(party.ikey()).await.map_err(|error| OAuthError::ours(&error))?;
            forget(&place, &party);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        .await,
    )
}

/// What was changed is read anew with the next request. Other nodes hear of it a moment later.
fn forget(place: &Place, party: &RelyingParty) {
    place.sso().auth().applications().forget(party.ikey());
}

fn finish(done: Result<Response, OAuthError>) -> Response {
    let mut response = done.unwrap_or_else(|error| {
        let mut response = error.json();
        if response.status() == StatusCode::UNAUTHORIZED {
            let line = HeaderValue::from_static("Bearer realm=\"register\", error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, line);
        }
        response
    });
    readable_everywhere(response.headers_mut());
    response
}

async fn registered(place: &Place, asked: Asked) -> Result<Response, OAuthError> {
    // Without leave nothing is read.
    let leave =
        bearer(asked.headers()).and_then(|text| Token::parse(crate::LEAVE_PREFIX, text).ok()).ok_or(NO_LEAVE)?;
    let metadata = body(asked).await?;
    let name = metadata.name()?;
    let mut client = metadata.client(&OidcClient::default())?;
    let token = Token::generate(MANAGE, place.sso().world().random.as_ref());
    client.registration_token = Some(digest(place, token.expose()).await?);
    let settings = Settings::of(Kind::Oidc(Box::new(client.clone())));
    settings.check("unknown").map_err(refused)?;
    let given_by = spend(place, leave.expose()).await?;
    let mut new = NewParty::new(&name, settings);
    let secret = matches!(
        client.auth_method,
        ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost | ClientAuth::ClientSecretJwt
    );
    new.secret = if secret || client.signs_with_secret() { NewSecret::Made } else { NewSecret::None };
    let actor = format!("registration ({given_by})");
    let directory = place.door.directory.tenant(place.tenant, &actor);
    let made = manage::create(&directory, new).await.map_err(refused)?;
    let secret = made.secret.as_ref().map(types::SecretString::expose);
    Ok(told(place, StatusCode::CREATED, &made.key, &name, &client, token.expose(), secret))
}

async fn updated(place: &Place, client_id: &str, headers: &HeaderMap, asked: Asked) -> Result<Response, OAuthError> {
    let (party, token) = own(place, client_id, headers).await?;
    let metadata = body(asked).await?;
    if metadata.client_id.as_deref() != Some(party.key.as_str()) {
        return Err(OAuthError::new(Code::InvalidClientMetadata, "The client_id must be that of the client."));
    }
    let directory = place.door.directory.tenant(place.tenant, party.ikey());
    let read = manage::read(&directory, party.ikey()).await.map_err(refused)?;
    let Kind::Oidc(before) = &read.1.kind else { return Err(NOT_YOURS) };
    let client = metadata.changed(before)?;
    let settings = Settings { kind: Kind::Oidc(Box::new(client.clone())), ..read.1.clone() };
    let fields = vec!["registration".to_owned()];
    manage::change_as_read(&directory, &read, &settings, fields).await.map_err(refused)?;
    forget(place, &party);
    Ok(told(place, StatusCode::OK, &party.key, &party.app.name, &client, &token, None))
}

async fn body(asked: Asked) -> Result<Metadata, OAuthError> {
    const NOT_JSON: OAuthError = OAuthError::new(Code::InvalidClientMetadata, "The body must be application/json.");
    let kind = asked.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(NOT_JSON);
    }
    let bytes = to_bytes(asked.into_body(), LONGEST).await;
    Metadata::read(&bytes.map_err(|_| OAuthError::new(Code::InvalidClientMetadata, "The metadata is too long."))?)
}

/// Takes one registration of the leave; who gave it.
async fn spend(place: &Place, token: &str) -> Result<String, OAuthError> {
    let ours = |error: store::StoreError| OAuthError::ours(&error);
    let scope = place.sso().store().tenant(place.tenant);
    let now = place.now();
    for digest in scope.keys().await.map_err(ours)?.digest_candidates(fields::REGISTRATION, &[token.as_bytes()]) {
        let mut tx = scope.begin().await.map_err(ours)?;
        if let Some(by) = tx.spend_registration_leave(&digest, now).await.map_err(ours)? {
            tx.commit().await.map_err(ours)?;
            return Ok(by);
        }
    }
    Err(NO_LEAVE)
}

/// The client whose registration access token this is. One text for every reason that it is not.
async fn own(place: &Place, client_id: &str, headers: &HeaderMap) -> Result<(Arc<RelyingParty>, String), OAuthError> {
    let token = bearer(headers).and_then(|text| Token::parse(MANAGE, text).ok()).ok_or(NOT_YOURS)?;
    let found = place.sso().party(place.tenant, Protocol::Oidc, client_id).await;
    let party = found.map_err(|error| OAuthError::ours(&error))?.ok_or(NOT_YOURS)?;
    let known = settings(&party)?.registration_token.as_deref().ok_or(NOT_YOURS)?;
    let known = HEXLOWER.decode(known.as_bytes()).map_err(|_| NOT_YOURS)?;
    let keys = place.sso().store().tenant(place.tenant).keys().await.map_err(|error| OAuthError::ours(&error))?;
    let candidates = keys.digest_candidates(fields::REGISTRATION, &[token.expose().as_bytes()]);
    if candidates.iter().any(|digest| ct_eq(digest, &known)) {
        Ok((party, token.expose().to_owned()))
    } else {
        Err(NOT_YOURS)
    }
}

async fn digest(place: &Place, token: &str) -> Result<String, OAuthError> {
    let keys = place.sso().store().tenant(place.tenant).keys().await.map_err(|error| OAuthError::ours(&error))?;
    Ok(HEXLOWER.encode(&keys.digest(fields::REGISTRATION, &[token.as_bytes()])))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    match tokens::brought(headers) {
        Ok(Some((Scheme::Bearer, token))) => Some(token),
        _ => None,
    }
}

fn settings(party: &RelyingParty) -> Result<&OidcClient, OAuthError> {
    party.oidc().ok_or(NOT_YOURS)
}

/// RFC 7591 §3.2.1.
fn told(
    place: &Place,
    status: StatusCode,
    client_id: &str,
    name: &str,
    client: &OidcClient,
    token: &str,
    secret: Option<&str>,
) -> Response {
    let mut out: Map<String, Value> = metadata::of(client_id, name, client);
    if let Some(secret) = secret {
        out.insert("client_secret".to_owned(), secret.into());
        out.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    if status == StatusCode::CREATED {
        out.insert("client_id_issued_at".to_owned(), place.now().seconds().into());
    }
    out.insert("registration_access_token".to_owned(), token.into());
    out.insert("registration_client_uri".to_owned(), place.url(&format!("{}/{client_id}", super::REGISTER)).into());
    json_response(status, &Value::Object(out))
}

/// What isn't taken, by its place; a fault of ours stays one.
fn refused(error: SsoError) -> OAuthError {
    match error {
        SsoError::Invalid { at, why } if at.contains("redirect_uris") => {
            tracing::info!(at, why, "a registration was refused");
            OAuthError::new(Code::InvalidRedirectUri, "An address is none that may be registered.")
        }
        SsoError::Invalid { at, why } => {
            tracing::info!(at, why, "a registration was refused");
            OAuthError::new(Code::InvalidClientMetadata, "The metadata is contradictory or not supported.")
        }
        SsoError::Directory(DirectoryError::Changed(_)) => {
            OAuthError::new(Code::TemporarilyUnavailable, "The client was changed in the same moment. Try again.")
        }
        error => OAuthError::ours(&error),
    }
}
