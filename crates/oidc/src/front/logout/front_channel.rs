//! The end of a session, and those who are told of it through the browser (OpenID Connect Front-Channel Logout 1.0).

use super::pages;
use crate::frame::{error::OAuthError, headers::origin_of, place::Place};
use crate::front::{SIGNED_OUT, authorize::reply::with_query};
use auth::account::Session;
use axum::response::Response;
use http::header;
use sso::{Participation, Visit};

/// Frames on one page: more applications than one person opens in a day.
const MOST_FRAMES: usize = 50;

/// Ends the session, and shows the page from which the browser tells the applications. Those with a back channel are told by the outbox that
/// was written as the session ended.
pub(super) async fn end(
    place: &Place,
    visit: &Visit,
    session: &Session,
    after: Option<&str>,
) -> Result<Response, OAuthError> {
    let sso = place.sso();
    let ended = sso.end_session(place.tenant, session.id(), session.user(), None).await;
    let ended = ended.map_err(|error| OAuthError::ours(&error))?;
    place.door.logouts.wake();
    // Service providers that speak SAML are told one after the other by another door, which sends the browser on to what follows.
    let then = after.unwrap_or(SIGNED_OUT);
    let farewell = sso.farewell(visit, &ended, then).await.map_err(|error| OAuthError::ours(&error))?;
    let mut frames: Vec<String> = ended.iter().filter_map(|ended| frame(place, ended)).collect();
    frames.truncate(MOST_FRAMES);
    let (next, cookie) = match &farewell {
        Some((path, held)) => (Some(path.as_str()), held.set_cookie.clone()),
        None => (after, None),
    };
    let mut response = pages::goodbye(visit, &frames, next);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What the browser loads to tell an application, where it has such an address.
fn frame(place: &Place, ended: &Participation) -> Option<String> {
    let client = ended.party.oidc()?;
    let uri = client.frontchannel_logout_uri.as_deref().filter(|uri| origin_of(uri).is_some())?;
    Some(if client.frontchannel_logout_session_required {
        with_query(uri, &[("iss", &place.issuer), ("sid", &ended.sid)])
    } else {
        uri.to_owned()
    })
}
