//! The end of a session, and those who are told of it through the browser (OpenID Connect Front-Channel Logout 1.0).

use super::pages;
use crate::frame::{error::OAuthError, headers::origin_of, place::Place};
use crate::front::authorize::reply::with_query;
use auth::account::Session;
use axum::response::Response;
use sso::Visit;

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
    let ended = place.sso().end_session(place.tenant, session.id(), session.user()).await;
    let ended = ended.map_err(|error| OAuthError::ours(&error))?;
    place.door.backchannel.wake();
    let mut frames = Vec::new();
    for participant in ended {
        let Some(client) = participant.party.oidc() else { continue };
        let Some(uri) = client.frontchannel_logout_uri.as_deref().filter(|uri| origin_of(uri).is_some()) else {
            continue;
        };
        frames.push(if client.frontchannel_logout_session_required {
            with_query(uri, &[("iss", &place.issuer), ("sid", &participant.sid)])
        } else {
            uri.to_owned()
        });
    }
    frames.truncate(MOST_FRAMES);
    Ok(pages::goodbye(visit, &frames, after))
}
