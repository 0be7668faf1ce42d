//! The code that a browser takes to its application: what was granted, in one session of one person.

use super::authorize::{
    pending::{self, Pending},
    reply::WayBack,
};
use crate::frame::{
    error::{Code, OAuthError},
    place::Place,
};
use sso::{Participant, RelyingParty, SignedIn, SsoError, tokens::Granted};
use types::SecretString;

/// Makes it, and notes that the session is signed in there.
pub(crate) async fn issue(
    place: &Place,
    party: &RelyingParty,
    pending: &Pending,
    signed: &SignedIn,
) -> Result<SecretString, OAuthError> {
    let client = pending::client(party)?;
    let failed = |error: SsoError| match error {
        // The session ended while this was answered.
        SsoError::Over => OAuthError::new(Code::LoginRequired, ""),
        error => OAuthError::ours(&error),
    };
    let sso = place.sso();
    let subject = sso.subject(signed.user, party).await.map_err(failed)?;
    let detail = Participant::Oidc { subject: subject.clone() };
    let sid = sso.participate(signed, party, &detail).await.map_err(failed)?;
    let WayBack { redirect_uri, .. } = pending.way(place);
    let request = &pending.request;
    let claims = serde_json::to_value(&request.wishes).map_err(|error| OAuthError::ours(&error))?;
    let granted = Granted {
        client_id: party.key.clone(),
        subject,
        scopes: request.scopes.clone(),
        resources: request.resources.clone(),
        redirect_uri: Some(redirect_uri),
        code_challenge: request.code_challenge.clone(),
        code_key: request.dpop_jkt.clone(),
        nonce: request.nonce.clone(),
        claims: Some(claims),
        acr: Some(signed.level.acr().to_owned()),
        amr: signed.amr.clone(),
        strength: Some(signed.strength.as_str().to_owned()),
        auth_time: Some(signed.auth_time.seconds()),
        sid: Some(sid),
        ..Granted::default()
    };
    tracing::info!(tenant = %place.tenant, ikey = party.ikey(), user = %signed.user, fapi = client.fapi, "a code was given");
    sso.grants().issue_code(party, signed.user, signed.session, granted).await.map_err(failed)
}
