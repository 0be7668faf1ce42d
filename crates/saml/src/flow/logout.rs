//! `/saml/slo`, an application's request: its person signs out, here and at everybody else.
//!
//! What is ended is the session in this browser, and only where the request names the person and the session as they were told to this very
//! application. A browser that has no session here any more may still bring a request for one that lives: it is ended if the application
//! has signed that.

use super::{
    incoming::Incoming,
    propagate::{self, Round, Then},
    sign_on::{current, settings},
};
use crate::{
    door::Call,
    error::Refused,
    message::{
        logout::{LogoutRequest, LogoutResponse},
        name_id::NameId,
    },
    time,
};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sso::{Farewell, Participation, RelyingParty};
use types::Millis;
use xmlsig::redirect::Parameter;

/// A request that was checked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    request: String,
    relay: Option<String>,
    name: NameId,
    sessions: Vec<String>,
    verified: bool,
}

/// `/saml/slo`.
pub(crate) async fn take(call: &Call, incoming: Incoming) -> Result<Response, Refused> {
    let party = call.party(&incoming.claimed_issuer()?).await?;
    let party = current(call, party).await?;
    let settings = settings(&party)?;
    let (parameter, is_form) = (incoming.parameter(), incoming.is_form());
    let opened = incoming.open(settings, settings.want_signed_logout)?;
    let verified = opened.is_verified();
    if parameter == Parameter::Response {
        let response = LogoutResponse::read(opened.root())?;
        call.is_ours(&response.head, &party, "/saml/slo", verified)?;
        if !time::is_fresh(response.head.issued, call.now()) {
            return Err(Refused::Expired);
        }
        let reply = propagate::Reply::new(response, opened.relay);
        if is_form {
            let (path, cookie) = call.keep(&party, &super::Kept::Reply(reply)).await?;
            return call.lead(&path, [cookie]);
        }
        return propagate::answered(call, &party, reply).await;
    }
    let request = LogoutRequest::read(opened.root())?;
    call.is_ours(&request.head, &party, "/saml/slo", verified)?;
    if is_over(&request, call.now()) {
        return Err(Refused::Expired);
    }
    let asked = Asked {
        request: request.head.id,
        relay: opened.relay,
        name: request.name,
        sessions: request.sessions,
        verified,
    };
    if is_form {
        let (path, cookie) = call.keep(&party, &super::Kept::Logout(asked)).await?;
        return call.lead(&path, [cookie]);
    }
    end(call, &party, asked).await
}

/// Whether a request's time is over, or hasn't come.
pub(crate) fn is_over(request: &LogoutRequest, now: Millis) -> bool {
    let over = request.until.is_some_and(|until| until + time::SKEW <= now);
    over || !time::is_fresh(request.head.issued, now)
}

/// Ends what is named, and tells the others.
pub(crate) async fn end(call: &Call, party: &RelyingParty, asked: Asked) -> Result<Response, Refused> {
    if !asked.verified {
        call.stranger().await?;
    }
    call.once(party, &asked.request).await?;
    let then = |status| Then::Answer {
        ikey: party.ikey().to_owned(),
        request: asked.request.clone(),
        relay: asked.relay.clone(),
        status,
    };
    let ended = match named(call, party, &asked).await? {
        Named::Session(participation) => {
            let (tenant, sso) = (party.tenant(), &call.door.sso);
            let ended =
                sso.end_session(tenant, participation.session, participation.user, Some(&participation.sid)).await;
            ended.map_err(|error| call.ours(&error))?
        }
        Named::Nothing => Vec::new(),
        Named::Foreign => {
            crate::door::count("logout", "foreign");
            let refused = then(Some(propagate::Refusal::UnknownPrincipal));
            return propagate::finish(call, Round::new(Vec::new(), Vec::new(), refused)).await;
        }
    };
    crate::door::count("logout", "ended");
    let others: Vec<_> = ended.into_iter().filter(|one| one.party.ikey() != party.ikey()).collect();
    let (frames, left) = (sso::farewell::frames(&call.visit.issuer, &others), Farewell::left(&others));
    let missed = left.missed.into_iter().chain(frames.missed).collect();
    let round = Round::new(left.told, missed, then(None));
    let mut response = propagate::with_frames(call, party, frames.told, round).await?;
    call.forget_session(&mut response);
    Ok(response)
}

/// What a request names.
enum Named {
    /// A session that it may end.
    Session(Participation),
    /// One that is over already, or never was.
    Nothing,
    /// Another person's, or another session.
    Foreign,
}

async fn named(call: &Call, party: &RelyingParty, asked: &Asked) -> Result<Named, Refused> {
    let sso = &call.door.sso;
    let failed = |error: &sso::SsoError| call.ours(error);
    let here = match &call.visit.session {
        Some(cookie) => {
            let session = sso.auth().session(party.tenant(), cookie.expose()).await;
            session.map_err(|error| call.ours(&error))?
        }
        None => None,
    };
    if let Some(session) = here {
        let participants = sso.participants(party.tenant(), session.id()).await.map_err(|error| failed(&error))?;
        let ours = participants.into_iter().find(|one| one.party.ikey() == party.ikey());
        return Ok(match ours {
            Some(ours) if asked.sessions.is_empty() || asked.sessions.contains(&ours.sid) => {
                if names(&asked.name, &ours) { Named::Session(ours) } else { Named::Foreign }
            }
            _ if asked.sessions.is_empty() => Named::Foreign,
            // Perhaps one from before somebody signed in anew in this browser; it isn't this one, in any case.
            _ => elsewhere(call, party, asked, false).await?,
        });
    }
    // Whoever can't sign has shown nothing but a name; a session elsewhere isn't theirs to end.
    elsewhere(call, party, asked, asked.verified).await
}

/// A session that isn't in this browser.
async fn elsewhere(call: &Call, party: &RelyingParty, asked: &Asked, may_end: bool) -> Result<Named, Refused> {
    for sid in &asked.sessions {
        let found = call.door.sso.participant_by_sid(party, sid).await.map_err(|error| call.ours(&error))?;
        let Some(found) = found else { continue };
        let alive = call.door.sso.auth().session_by_id(party.tenant(), found.session).await;
        let alive = alive.map_err(|error| call.ours(&error))?.is_some();
        if alive {
            let mine = may_end && names(&asked.name, &found);
            return Ok(if mine { Named::Session(found) } else { Named::Foreign });
        }
    }
    Ok(Named::Nothing)
}

/// Whether this is what the application was told to call the person.
pub(crate) fn names(name: &NameId, participation: &Participation) -> bool {
    NameId::of_participant(&participation.detail).is_some_and(|told| told.is(name))
}
