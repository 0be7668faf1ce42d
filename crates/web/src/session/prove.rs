//! `/session/prove`: the browser signs, and what was wanted opens once.

use super::{Bearer, return_to};
use crate::frame::{
    trouble::Trouble,
    visit::{Visit, json, redirect},
};
use auth::binding::with_ticket;
use axum::{body::Body, response::Response};
use data_encoding::BASE64URL_NOPAD;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// `GET /session/prove?return_to=…`. Without a session, or with one that isn't bound, there is nothing to prove: whoever is asked for
/// `return_to` says what comes then.
pub(super) async fn show(visit: Visit) -> Result<Response, Trouble> {
    let wanted = return_to(&visit)?;
    let Ok(bearer) = Bearer::find(visit).await? else { return Ok(redirect(&wanted)) };
    if bearer.session.bound().key.is_none() {
        return Ok(redirect(&wanted));
    }
    let auth = &bearer.visit.web.auth;
    let challenge = auth.proof_challenge(&bearer.session, &bearer.visit.origin, &wanted).await?;
    Ok(bearer.page("prove", challenge.expose(), &wanted))
}

/// What the page's script sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    mark: String,
    /// Base64url.
    signature: String,
    return_to: String,
}

/// `POST /session/prove`: gives where to go on.
pub(super) async fn prove(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let Ok(bearer) = Bearer::find(visit).await? else { return Err(Trouble::OtherBrowser) };
    let posted = bearer.posted(request).await?;
    let sent: Sent = serde_json::from_slice(&posted.body).map_err(|_| Trouble::Malformed)?;
    let signature = BASE64URL_NOPAD.decode(sent.signature.as_bytes()).map_err(|_| Trouble::Malformed)?;
    let (auth, origin) = (&bearer.visit.web.auth, &bearer.visit.origin);
    let ticket = auth.prove_browser(&bearer.session, origin, &sent.return_to, &sent.mark, &signature).await?;
    Ok(json(StatusCode::OK, &json!({ "next": with_ticket(&sent.return_to, ticket.expose()) })))
}
