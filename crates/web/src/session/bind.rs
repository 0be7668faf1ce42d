//! `/session/bind`: after a sign-in, the browser's key is made and registered.

use super::{Bearer, LONGEST, device, onward, return_to};
use crate::frame::{
    trouble::Trouble,
    visit::{Visit, json, redirect},
};
use auth::{binding::with_ticket, settings::SessionBinding};
use axum::{body::Body, response::Response};
use data_encoding::BASE64URL_NOPAD;
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// `GET /session/bind?with=…&return_to=…`. Whoever has no ticket that is good has nothing to do here, and goes on.
pub(super) async fn show(visit: Visit) -> Result<Response, Trouble> {
    let wanted = return_to(&visit)?;
    let ticket = visit.asked("with").filter(|ticket| ticket.len() <= LONGEST).unwrap_or_default().to_owned();
    let Ok(bearer) = Bearer::find(visit).await? else { return Ok(redirect(&wanted)) };
    if bearer.visit.tenant.settings.session_binding == SessionBinding::Off {
        return Ok(onward(&bearer.visit, &wanted));
    }
    if !bearer.visit.web.auth.may_bind(&bearer.session, &ticket).await? {
        return Ok(redirect(&wanted));
    }
    let response = bearer.page("bind", &ticket, &wanted);
    device::offer(&bearer.visit, &bearer.session, &ticket, response).await
}

/// What the page's script sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    mark: String,
    /// The public key (SPKI), base64url.
    key: String,
    /// Base64url.
    signature: String,
    return_to: String,
}

/// `POST /session/bind`: gives where to go on.
pub(super) async fn bind(visit: Visit, request: Request<Body>) -> Result<Response, Trouble> {
    let Ok(bearer) = Bearer::find(visit).await? else { return Err(Trouble::OtherBrowser) };
    let posted = bearer.posted(request).await?;
    let sent: Sent = serde_json::from_slice(&posted.body).map_err(|_| Trouble::Malformed)?;
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Trouble::Malformed);
    let (key, signature) = (bytes(&sent.key)?, bytes(&sent.signature)?);
    let auth = &bearer.visit.web.auth;
    let origin = &bearer.visit.origin;
    let ticket = auth.bind_browser(&bearer.session, origin, &sent.return_to, &sent.mark, &key, &signature).await?;
    Ok(json(StatusCode::OK, &json!({ "next": with_ticket(&sent.return_to, ticket.expose()) })))
}
