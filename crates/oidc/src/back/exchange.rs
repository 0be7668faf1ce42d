//! Token exchange (RFC 8693): a service that was called with a person's token gets one for the next service. Whoever gets it stands in it
//! (`act`): nobody becomes somebody else here unseen. Only audiences that are set for the client are given, and never more than the person's
//! token was for.

use super::{answer::refused, client_auth::Client, token::success};
use crate::frame::{
    error::{Code, OAuthError},
    params::Form,
    place::Place,
};
use serde_json::{Map, Value, json};
use sso::tokens::{Access, Granted, Want};

/// The one kind of token that is taken and given (RFC 8693 §3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How many may act for each other, one after the other.
const DEEPEST: usize = 4;

const NO_TARGET: OAuthError =
    OAuthError::new(Code::InvalidTarget, "The audience is not one that this client may exchange tokens for.");
/// RFC 8693 §2.2.2: a subject token that is no good is an `invalid_request`.
const NO_SUBJECT: OAuthError =
    OAuthError::invalid_request("The subject_token is not good, or was not given to this client or for it.");
const NO_ACTOR: OAuthError = OAuthError::invalid_request("The actor_token is not good, or is not this client's own.");

/// The grant.
pub(super) async fn exchange(place: &Place, form: &Form, client: &Client, want: &Want) -> Result<Value, OAuthError> {
    let settings = client.settings()?;
    if !settings.is_confidential() {
        return Err(OAuthError::new(
            Code::UnauthorizedClient,
            "A client that can not keep a secret exchanges nothing.",
        ));
    }
    kind(form.required("subject_token_type", "The subject_token_type is missing.")?)?;
    if let Some(asked) = form.get("requested_token_type")? {
        kind(asked)?;
    }
    let subject = form.required("subject_token", "The subject_token is missing.")?;
    let subject = access(place, subject).await?.filter(|access| is_for(access, client)).ok_or(NO_SUBJECT)?;
    let (Some(user), Some(family)) = (subject.user, subject.family) else { return Err(NO_SUBJECT) };
    let actor = actor(place, form, client).await?;
    let audience = target(form, want)?;
    if audience.is_empty() || !audience.iter().all(|one| settings.exchange_audiences.contains(one)) {
        return Err(NO_TARGET);
    }
    let scopes = want
        .scopes
        .clone()
        .unwrap_or_else(|| subject.scopes.iter().filter(|scope| settings.scopes.contains(scope)).cloned().collect());
    let within = |scope: &String| subject.scopes.contains(scope) && settings.scopes.contains(scope);
    if !scopes.iter().all(within) {
        return Err(OAuthError::new(Code::InvalidScope, "A scope is more than the subject_token or this client has."));
    }
    // A token that comes of this one opens no page of the person's: no id token, and nothing to refresh.
    let scopes: Vec<String> = scopes.into_iter().filter(|scope| scope != "offline_access").collect();
    let ours = |error: sso::SsoError| OAuthError::ours(&error);
    let before = subject.granted.as_deref().cloned().unwrap_or_default();
    let granted = Granted {
        client_id: client.party.key.clone(),
        subject: place.sso().subject(user, &client.party).await.map_err(ours)?,
        scopes: scopes.clone(),
        resources: audience.clone(),
        acr: before.acr,
        amr: before.amr,
        auth_time: before.auth_time,
        act: Some(acting(&actor, subject.act)?),
        // Whoever ends what the subject token came of ends this, and it isn't good for longer.
        exchanged_from: std::iter::once(family.to_string()).chain(before.exchanged_from).collect(),
        ..Granted::default()
    };
    let until = Some(subject.expires);
    let want = Want { scopes: Some(scopes), resources: Some(audience), until, ..want.clone() };
    let person = Some((user, subject.session));
    let minted = place.sso().grants().grant(&client.party, person, granted, &want).await.map_err(refused)?;
    let mut out: Map<String, Value> = success(&minted);
    out.insert("issued_token_type".to_owned(), ACCESS_TOKEN.into());
    Ok(Value::Object(out))
}

fn kind(name: &str) -> Result<(), OAuthError> {
    if name == ACCESS_TOKEN {
        Ok(())
    } else {
        Err(OAuthError::invalid_request("Only access tokens are exchanged, for access tokens."))
    }
}

async fn access(place: &Place, token: &str) -> Result<Option<Access>, OAuthError> {
    let access = place.sso().grants().access(place.tenant, &place.issuer, token).await;
    access.map_err(|error| OAuthError::ours(&error))
}

/// Whether a token came to this client rightly: it is its own, or it is for it.
fn is_for(access: &Access, client: &Client) -> bool {
    access.client_id == client.party.key || access.resources.contains(&client.party.key)
}

/// Who acts: the client, or whoever its own token says.
async fn actor(place: &Place, form: &Form, client: &Client) -> Result<String, OAuthError> {
    match (form.get("actor_token")?, form.get("actor_token_type")?) {
        (None, None) => Ok(client.party.key.clone()),
        (Some(token), Some(name)) => {
            kind(name)?;
            let actor = access(place, token).await?.filter(|access| access.client_id == client.party.key);
            Ok(actor.ok_or(NO_ACTOR)?.subject)
        }
        _ => Err(NO_ACTOR),
    }
}

fn target(form: &Form, want: &Want) -> Result<Vec<String>, OAuthError> {
    let mut all: Vec<String> = form.all("audience").into_iter().map(str::to_owned).collect();
    all.extend(want.resources.clone().unwrap_or_default());
    if all.len() > 8 { Err(NO_TARGET) } else { Ok(all) }
}

/// RFC 8693 §4.1: the latest first, with those before inside.
fn acting(actor: &str, before: Option<Value>) -> Result<Value, OAuthError> {
    let mut depth = 1;
    let mut inner = before.as_ref();
    while let Some(value) = inner {
        depth += 1;
        inner = value.get("act");
    }
    if depth > DEEPEST {
        return Err(OAuthError::invalid_request("The subject_token was exchanged too often."));
    }
    Ok(match before {
        Some(before) => json!({"sub": actor, "act": before}),
        None => json!({"sub": actor}),
    })
}
