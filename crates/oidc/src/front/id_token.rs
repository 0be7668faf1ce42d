//! The id token (OpenID Connect Core §2): who signed in, when, how strongly, for this client alone.

use super::authorize::claims_parameter::Wishes;
use crate::frame::place::Place;
use jose::{Algorithm, SigningKey, half_hash};
use serde::Serialize;
use serde_json::{Map, Value};
use sso::{Person, RelyingParty, Sso, SsoError, Wanted, tokens::Minted};
use std::time::Duration;
use types::Millis;

/// The kind of an id token.
const TYPE: &str = "JWT";

/// What an id token says of one sign-in.
struct Said<'a> {
    /// Of whom.
    person: &'a Person,
    /// When they last proved who they are.
    auth_time: Millis,
    /// How strongly.
    acr: &'a str,
    /// By what (RFC 8176).
    amr: &'a [String],
    /// What the session is called at the client; none where it has none.
    sid: Option<&'a str>,
    /// As the client gave it; a refreshed token has none (§12.2).
    nonce: Option<&'a str>,
    /// The access token that comes with it.
    access_token: Option<&'a str>,
    /// The code that it is given for.
    code: Option<&'a str>,
    /// The scopes that were granted.
    scopes: &'a [String],
    /// The claims that were asked for in the id token by name (§5.5).
    names: &'a [String],
}

/// Makes the one that comes with tokens. The first one of a sign-in has the nonce and the hash of its code; those that refreshing brings
/// have neither (§12.2).
pub(crate) async fn of(
    place: &Place,
    party: &RelyingParty,
    person: &Person,
    minted: &Minted,
    code: Option<&str>,
) -> Result<String, SsoError> {
    let granted = &minted.granted;
    let names = Wishes::kept(granted.claims.as_ref()).id_token_names();
    let said = Said {
        person,
        auth_time: Millis::from_seconds(granted.auth_time.unwrap_or_default()),
        acr: granted.acr.as_deref().unwrap_or_default(),
        amr: &granted.amr,
        sid: granted.sid.as_deref(),
        nonce: granted.nonce.as_deref().filter(|_| code.is_some()),
        access_token: Some(minted.access_token.expose()),
        code,
        scopes: &minted.scopes,
        names: &names,
    };
    make(place, party, &said).await
}

async fn make(place: &Place, party: &RelyingParty, said: &Said<'_>) -> Result<String, SsoError> {
    let sso = place.sso();
    let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
    let algorithm = algorithm(&client.id_token_alg)?;
    let now = place.now();
    let names = allowed(party, said.scopes, said.names);
    // What the scopes grant is told at userinfo (§5.4): here stands what was asked for here, and what is always told.
    let mut claims = sso.claims(said.person, party, Wanted { scopes: &[], names: &names });
    let mut say = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    say("iss", place.issuer.as_str().into());
    say("sub", sso.subject(said.person.id, party).await?.into());
    say("aud", party.key.as_str().into());
    say("azp", party.key.as_str().into());
    say("iat", now.seconds().into());
    say("exp", (now + Duration::from_secs(client.id_token_seconds.into())).seconds().into());
    say("auth_time", said.auth_time.seconds().into());
    say("acr", said.acr.into());
    say("amr", said.amr.into());
    for (name, value) in [("sid", said.sid), ("nonce", said.nonce)] {
        if let Some(value) = value {
            say(name, value.into());
        }
    }
    for (name, text) in [("at_hash", said.access_token), ("c_hash", said.code)] {
        if let Some(text) = text {
            say(name, half_hash(algorithm, text).into());
        }
    }
    sign(sso, party, TYPE, &claims).await
}

/// Signs what is for this client, by the algorithm of its id tokens.
pub(crate) async fn sign(
    sso: &Sso,
    party: &RelyingParty,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, SsoError> {
    let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
    sign_by(sso, party, &client.id_token_alg, typ, claims).await
}

/// As [`sign`], by another of the client's algorithms.
pub(crate) async fn sign_by(
    sso: &Sso,
    party: &RelyingParty,
    name: &str,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, SsoError> {
    match algorithm(name)? {
        Algorithm::Hs256 => {
            let secret = party.shared_secret().ok_or(SsoError::Damaged("client secret"))?;
            let key = SigningKey::hmac(secret.expose().as_bytes()).map_err(|_| SsoError::Damaged("client secret"))?;
            key.sign_jwt(Some(typ), claims).map_err(|_| SsoError::Damaged("client secret"))
        }
        algorithm => sso.signing().sign_jwt(party.tenant(), algorithm, typ, claims).await,
    }
}

/// The claims of those that were asked for by name which this client may have: of an application that isn't the organisation's own, those
/// that belong to a scope which its person agreed to.
pub(crate) fn allowed(party: &RelyingParty, scopes: &[String], names: &[String]) -> Vec<String> {
    let Some(client) = party.oidc() else { return Vec::new() };
    let may = if client.first_party { client.scopes.as_slice() } else { scopes };
    let scope_of = |name: &str| {
        let standard = sso::claims::STANDARD.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope);
        let mapped = client.claims.0.iter().find(|rule| rule.name == name).and_then(|rule| rule.scope.as_deref());
        mapped.or(standard)
    };
    let fits = |name: &&String| scope_of(name).is_some_and(|scope| may.iter().any(|granted| granted == scope));
    names.iter().filter(fits).cloned().collect()
}

fn algorithm(name: &str) -> Result<Algorithm, SsoError> {
    Algorithm::from_name(name).ok_or(SsoError::Damaged("relying party"))
}

/// The claims of userinfo: what the scopes grant, and what was asked for by name.
pub(crate) async fn userinfo(
    sso: &Sso,
    party: &RelyingParty,
    person: &Person,
    scopes: &[String],
    names: &[String],
) -> Result<Map<String, Value>, SsoError> {
    let names = allowed(party, scopes, names);
    let mut claims = sso.claims(person, party, Wanted { scopes, names: &names });
    claims.insert("sub".to_owned(), sso.subject(person.id, party).await?.into());
    Ok(claims)
}
