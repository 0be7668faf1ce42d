//! The client's proof of who it is: a JWT signed with its secret key (RFC 7523 §2.2), as the health check and the token endpoint
//! want it.

use super::{
    error::{OAuthError, internal},
    form::Form,
};
use crate::{
    door::Door,
    wire::{
        Verdict,
        jwt::{self, Audience, JwtError, NumericDate, UnverifiedJwt},
    },
};
use auth::Application;
use serde::Deserialize;
use std::sync::Arc;
use types::{Millis, SecretString};

/// Characters of a `jti`: 36 in all of Duo's clients.
const LONGEST_NAME: usize = 128;

/// The claims as all of Duo's clients make them.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    jti: String,
}

/// A client that proved itself, this once.
pub(super) struct ProvenClient {
    /// The application.
    pub(super) app: Arc<Application>,
    /// How it calls this server: a host name, with a port where it has one.
    pub(super) host: String,
}

/// Lets a client prove itself at `path`. `client_id` may be missing (Vaultwarden's is, at the token endpoint): then the assertion
/// names its issuer.
pub(super) async fn prove(door: &Door, form: &Form, path: &'static str) -> Result<ProvenClient, OAuthError> {
    let assertion = form.required("client_assertion", "The client_assertion is missing.")?;
    let named = form.get("client_id")?;
    let unverified = UnverifiedJwt::read(assertion).map_err(refused)?;
    let ikey = unverified.claimed_issuer().unwrap_or_default();
    if named.is_some_and(|named| named != ikey) {
        return Err(refused(JwtError::Claim("iss")));
    }
    let app = application(door, ikey).await?;
    let claims: Claims = unverified.verify(&app.secret).map_err(refused)?.into_claims();
    let now = door.auth.world().now();
    let host = judge(&claims, &app, path, now).map_err(refused)?;
    // A name that was used is used until the assertion that had it could not be sent again.
    let name = digest(&[app.ikey.as_bytes(), claims.jti.as_bytes()]);
    match door.assertions.accept_name(&name, claims.exp.millis() + jwt::LEEWAY, now) {
        Verdict::Fresh => {}
        Verdict::Replayed => return Err(refused(JwtError::Claim("jti"))),
        Verdict::Full => return Err(OAuthError::SlowDown(30)),
    }
    may_sign_in(&app)?;
    Ok(ProvenClient { app, host })
}

/// The application with a key. A text that can't be a key is not looked for.
pub(super) async fn application(door: &Door, ikey: &str) -> Result<Arc<Application>, OAuthError> {
    if ikey.len() != 20 || !ikey.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Err(OAuthError::InvalidClient);
    }
    let found = door.auth.applications().get(ikey).await.map_err(|error| internal(&error))?;
    found.ok_or(OAuthError::InvalidClient)
}

/// Whether an application can be one that people sign in at by a browser. Asked after its secret was proven, so that nobody else
/// learns what it is. Those of the administrator's APIs aren't, and the person's own pages have a way of their own.
pub(super) fn may_sign_in(app: &Application) -> Result<(), OAuthError> {
    match app.kind.as_str() {
        "adminapi" | "accountsapi" | "portal" | "messaging" => Err(OAuthError::UnauthorizedClient),
        _ => Ok(()),
    }
}

/// The reason is for the log; the client is told one thing for all, and so is who guesses.
pub(super) fn refused(why: JwtError) -> OAuthError {
    tracing::debug!(%why, "a client's JWT was refused");
    OAuthError::InvalidClient
}

fn judge(claims: &Claims, app: &Application, path: &str, now: Millis) -> Result<String, JwtError> {
    if claims.iss != app.ikey {
        return Err(JwtError::Claim("iss"));
    }
    if claims.sub != app.ikey {
        return Err(JwtError::Claim("sub"));
    }
    if claims.jti.is_empty() || claims.jti.len() > LONGEST_NAME {
        return Err(JwtError::Claim("jti"));
    }
    jwt::check_times(claims.exp, claims.iat, claims.nbf, now)?;
    let host = claims.aud.names().find_map(|aud| jwt::host_of_audience(aud, path, &app.api_host));
    host.map(str::to_owned).ok_or(JwtError::Claim("aud"))
}

/// One hash of several texts, none of which can be taken for the end of another.
pub(super) fn digest(texts: &[&[u8]]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text);
    }
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}

/// A token that means nothing: nobody takes it.
pub(super) fn opaque(world: &types::World) -> SecretString {
    SecretString::new(data_encoding::BASE64URL_NOPAD.encode(&world.bytes::<32>()))
}
