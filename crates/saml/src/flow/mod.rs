//! What the addresses do: a request is taken in, its person signs in, an answer goes out; and the same backwards, for signing out.

pub(crate) mod answer;
pub(crate) mod incoming;
pub(crate) mod logout;
pub(crate) mod propagate;
pub(crate) mod sign_on;
pub(crate) mod soap;
pub(crate) mod start;

use crate::{door::Call, error::Refused};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use sso::{FAREWELL, Farewell, Leaf};

/// What is kept for a browser, sealed, between two of its requests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// A request to sign in.
    SignOn(sign_on::Pending),
    /// A request to sign out that came in a form.
    Logout(logout::Asked),
    /// An application was told of a logout, and others come after it.
    Told(propagate::Round),
    /// Its answer, which came in a form.
    Reply(propagate::Reply),
    /// A page has told those who are told in frames, and others come after it.
    Framed(propagate::Round),
}

/// `/saml/continue/{id}`: this browser comes back for what was kept for it.
pub(crate) async fn resume(call: &Call, id: &str, tried: bool) -> Result<Response, Refused> {
    let held = call.door.sso.held(&call.visit, id).await.map_err(|error| call.ours(&error))?;
    let held = held.ok_or(Refused::NobodyAsked)?;
    // Another door's, or another kind's, isn't read for one of ours.
    let kept: Kept = serde_json::from_slice(&held.request).map_err(|_| Refused::NobodyAsked)?;
    match kept {
        Kept::SignOn(pending) => sign_on::resume(call, &held.party, &pending, held.id, tried).await,
        Kept::Logout(asked) => {
            release(call, held.id).await?;
            logout::end(call, &held.party, asked).await
        }
        Kept::Reply(reply) => {
            release(call, held.id).await?;
            propagate::answered(call, &held.party, reply).await
        }
        Kept::Framed(round) => {
            release(call, held.id).await?;
            propagate::next(call, round).await
        }
        // Only the application's answer goes on from there.
        Kept::Told(_) => Err(Refused::NobodyAsked),
    }
}

/// The query by which the farewell's page goes on.
pub(crate) const GO: &str = "go";

/// `/saml/farewell/{id}`: a session was ended by another door, and applications are told here.
///
/// The browser comes from a form of ours, whose page's policy is held against every address that it is redirected to; so it gets a page
/// first, that goes on by itself.
pub(crate) async fn farewell(call: &Call, id: &str, goes_on: bool) -> Result<Response, Refused> {
    let held = call.door.sso.held(&call.visit, id).await.map_err(|error| call.ours(&error))?;
    let held = held.ok_or(Refused::NobodyAsked)?;
    let farewell: Farewell = serde_json::from_slice(&held.request).map_err(|_| Refused::NobodyAsked)?;
    if !goes_on {
        return Ok(Leaf::SigningOut { next: format!("{FAREWELL}{}?{GO}", held.id) }.into_response());
    }
    release(call, held.id).await?;
    let round = propagate::Round::new(farewell.left, farewell.missed, propagate::Then::Go(farewell.then));
    propagate::next(call, round).await
}

/// Takes what was kept out: of two, one goes on.
pub(crate) async fn release(call: &Call, id: types::SsoRequestId) -> Result<(), Refused> {
    let released = call.door.sso.release(&call.visit, id).await.map_err(|error| call.ours(&error))?;
    if released { Ok(()) } else { Err(Refused::Replayed) }
}
