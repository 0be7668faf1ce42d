//! The event token of one event for one stream (RFC 8417): made when it leaves, so that it is signed by a key that is published then.

use crate::events::{Detail, Kind, Subject, Token};
use jose::Algorithm;
use serde_json::{Value, json};
use sso::{RelyingParty, Sso, SsoError};
use store::{SignalRow, StreamRow};
use types::UserId;

/// The token; none for an event that can't be told to this receiver: of a person who is gone and would be named by mail address, or of a kind
/// that this program doesn't know.
pub(crate) async fn make(
    sso: &Sso,
    issuer: &str,
    party: &RelyingParty,
    stream: &StreamRow,
    row: &SignalRow,
) -> Result<Option<String>, SsoError> {
    let Some(kind) = Kind::of_word(&row.kind) else { return Ok(None) };
    let detail: Detail = serde_json::from_str(&row.detail).unwrap_or_default();
    let stream_id = stream.id.to_string();
    let sid = match (&detail.session, kind) {
        (Some(session), Kind::SessionRevoked) => Some(sid(sso, row, session, party).await?),
        _ => None,
    };
    let subject = match row.user_id {
        None => Subject::Stream(&stream_id),
        Some(user) => {
            let Some(user) = person(sso, issuer, party, stream, user).await? else { return Ok(None) };
            match &sid {
                // A session that this receiver has no part in is none of its business.
                Some(None) => return Ok(None),
                Some(Some(sid)) => Subject::Session(user, sid),
                None => Subject::User(user),
            }
        }
    };
    let claims = Token {
        issuer,
        audience: &party.key,
        id: row.id.to_string(),
        issued: sso.world().now().seconds(),
        happened: row.created.seconds(),
        kind,
        subject,
        detail: &detail,
    }
    .claims();
    // The interoperability profile knows no other algorithm.
    sso.signing().sign_jwt(row.tenant, Algorithm::Rs256, jose::event::TYPE, &claims).await.map(Some)
}

/// How this receiver knows a person (RFC 9493 §3.2.2, §3.2.3).
async fn person(
    sso: &Sso,
    issuer: &str,
    party: &RelyingParty,
    stream: &StreamRow,
    user: UserId,
) -> Result<Option<Value>, SsoError> {
    if stream.subject == "email" {
        let row = sso.store().tenant(party.tenant()).user(user).await?;
        let email = row.map(|row| row.email).filter(|email| !email.is_empty());
        return Ok(email.map(|email| json!({ "format": "email", "email": email })));
    }
    let sub = sso.subject(user, party).await?;
    Ok(Some(json!({ "format": "iss_sub", "iss": issuer, "sub": sub })))
}

/// What a session was called at this receiver; none where it was never signed in there.
async fn sid(sso: &Sso, row: &SignalRow, session: &str, party: &RelyingParty) -> Result<Option<String>, SsoError> {
    let Ok(session) = session.parse() else { return Ok(None) };
    let all = sso.store().tenant(row.tenant).participants(session).await?;
    Ok(all.into_iter().find(|one| one.ikey == party.ikey()).map(|one| one.sid))
}
