//! `/saml/sso` and `/saml/continue/{id}`: an application's request, until its person is known.
//!
//! A request is checked wholly before anybody is asked anything. What can't be answered to a registered address is a page; from then on
//! everything is an answer there, also that it isn't possible. It is kept, sealed and bound to this browser, while its person signs in, and
//! answered once.

use super::{answer, incoming::Incoming};
use crate::{
    context::{self, Requested},
    door::Call,
    error::Refused,
    message::{
        authn_request::{AuthnRequest, Wanted},
        name_id::{self, NameId},
        status::Status,
    },
    names, time,
};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sso::{
    Ask, RelyingParty, Stand,
    party::{Endpoint, NameIdFormat, SamlParty},
};
use std::sync::Arc;
use types::{Millis, SsoRequestId};
use xmlsig::redirect::Parameter;

/// The query of the address to which a sign-in comes back, done or given up.
pub(crate) const TRIED: &str = "tried";

/// A request that was checked, as it is kept while its person signs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The request's ID; none for a sign-in that begins here.
    pub(crate) request: Option<String>,
    /// Where the answer goes: a registered address.
    pub(crate) acs: String,
    pub(crate) relay: Option<String>,
    pub(crate) context: Option<Requested>,
    /// Which kind of name; none: as registered.
    pub(crate) format: Option<NameIdFormat>,
    /// Who shall be signed in.
    pub(crate) subject: Option<NameId>,
    pub(crate) force: bool,
    pub(crate) passive: bool,
    /// When the request came, in Unix milliseconds.
    pub(crate) since: i64,
}

/// How far a request is.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// It has just come.
    First,
    /// It was kept, and its browser has come back; `tried` from a sign-in.
    Held { id: SsoRequestId, tried: bool },
}

/// `/saml/sso`.
pub(crate) async fn take(call: &Call, incoming: Incoming) -> Result<Response, Refused> {
    if incoming.parameter() != Parameter::Request {
        return Err(Refused::NoMessage);
    }
    let party = call.party(&incoming.claimed_issuer()?).await?;
    let party = current(call, party).await?;
    let settings = settings(&party)?;
    let is_form = incoming.is_form();
    let opened = incoming.open(settings, settings.want_signed_requests)?;
    let request = AuthnRequest::read(opened.root())?;
    let verified = opened.is_verified();
    call.is_ours(&request.head, &party, "/saml/sso", verified)?;
    if !time::is_fresh(request.head.issued, call.now()) {
        return Err(Refused::Expired);
    }
    let acs = consumer(settings, &request.wanted)?.url.clone();
    let (pending, wrong) = check(request, &party, acs, opened.relay, call.now());
    if let Some(status) = wrong {
        return answer::failed(call, &party, &pending, None, status).await;
    }
    if is_form {
        // The browser didn't bring its cookies along with another site's form (`SameSite`). On the way that it goes now it does.
        let (path, cookie) = call.keep(&party, &super::Kept::SignOn(pending)).await?;
        return call.lead(&path, [cookie, None]);
    }
    decide(call, &party, &pending, Stage::First).await
}

/// The application, with metadata that isn't over.
pub(crate) async fn current(call: &Call, party: Arc<RelyingParty>) -> Result<Arc<RelyingParty>, Refused> {
    let refresher = &call.door.refresher;
    if !refresher.is_current(&call.door, &party).await? {
        return Err(Refused::Expired);
    }
    refresher.look(&call.door, &party);
    // It may be another by now.
    call.party(&party.key).await
}

/// Which registered address is wanted.
fn consumer<'p>(party: &'p SamlParty, wanted: &Wanted) -> Result<&'p Endpoint, Refused> {
    let found = match wanted {
        Wanted::Default => party.default_acs(),
        // Octet by octet: an address that only looks like a registered one is another's.
        Wanted::Url(url) => party.acs.iter().find(|endpoint| endpoint.url == *url),
        Wanted::Index(index) => party.acs.iter().find(|endpoint| endpoint.index == *index),
    };
    found.ok_or(Refused::Acs)
}

/// What is asked for, and what of it can't be done.
fn check(
    request: AuthnRequest,
    party: &RelyingParty,
    acs: String,
    relay: Option<String>,
    now: Millis,
) -> (Pending, Option<Status>) {
    let named = request.format.as_deref().map(name_id::format_of);
    let level = context::needed(party.settings.level(), request.context.as_ref());
    let elsewhere = request.sp_qualifier.as_ref().is_some_and(|qualifier| *qualifier != party.key);
    let wrong = if request.binding.as_ref().is_some_and(|binding| binding != names::POST) {
        Some(Status::UnsupportedBinding)
    } else if request.unsupported {
        Some(Status::RequestUnsupported)
    } else if named == Some(None) || elsewhere {
        Some(Status::InvalidNameIdPolicy)
    } else if level.is_none() {
        Some(Status::NoAuthnContext)
    } else {
        None
    };
    let pending = Pending {
        request: Some(request.head.id),
        acs,
        relay,
        context: request.context,
        format: named.flatten().filter(|format| *format != NameIdFormat::Unspecified),
        subject: request.subject,
        force: request.force,
        passive: request.passive,
        since: now.0,
    };
    (pending, wrong)
}

/// `/saml/continue/{id}`, for a request to sign in.
pub(crate) async fn resume(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    id: SsoRequestId,
    tried: bool,
) -> Result<Response, Refused> {
    let settings = settings(party)?;
    // What is registered may have changed meanwhile.
    if !settings.acs.iter().any(|endpoint| endpoint.url == pending.acs) {
        return Err(Refused::Acs);
    }
    decide(call, party, pending, Stage::Held { id, tried }).await
}

/// Where the browser stands, and what follows from it.
pub(crate) async fn decide(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    stage: Stage,
) -> Result<Response, Refused> {
    let held = match stage {
        Stage::First => None,
        Stage::Held { id, .. } => Some(id),
    };
    let tried = matches!(stage, Stage::Held { tried: true, .. });
    let Some(level) = context::needed(party.settings.level(), pending.context.as_ref()) else {
        return answer::failed(call, party, pending, held, Status::NoAuthnContext).await;
    };
    let ask = Ask {
        level,
        fresh_since: pending.force.then_some(Millis(pending.since)),
        passive: pending.passive,
        login_hint: pending.subject.as_ref().map(|subject| subject.value.clone()),
        ..Ask::default()
    };
    let stand = call.door.sso.stand(&call.visit, party, &ask).await.map_err(|error| call.ours(&error))?;
    if let Stand::Denied(reason) = stand {
        tracing::info!(ikey = party.ikey(), reason, "nobody may sign in");
    }
    let status = match stand {
        Stand::Signed(signed) => return answer::signed(call, party, pending, held, &signed).await,
        // Whoever asks in silence hears that it isn't possible, and not why.
        Stand::Denied(_) if pending.passive => Status::NoPassive,
        Stand::Denied(_) => Status::RequestDenied,
        // Consent is the organisation's for what speaks SAML: a federation is agreed between two organisations.
        Stand::Consent(_) => Status::RequestDenied,
        Stand::SignIn(_) if tried => Status::AuthnFailed,
        Stand::SignIn(here) => return sign_in(call, party, pending, held, (&ask, here)).await,
        Stand::Prove => {
            let (path, cookie) = place(call, party, pending, held).await?;
            return call.lead(&format!("/session/prove?return_to={path}"), [cookie, None]);
        }
    };
    answer::failed(call, party, pending, held, status).await
}

/// Where the request goes on: it is kept, unless it was before.
async fn place(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    held: Option<SsoRequestId>,
) -> Result<(String, Option<http::HeaderValue>), Refused> {
    match held {
        Some(id) => Ok((format!("/saml/continue/{id}"), None)),
        None => call.keep(party, &super::Kept::SignOn(pending.clone())).await,
    }
}

async fn sign_in(
    call: &Call,
    party: &RelyingParty,
    pending: &Pending,
    held: Option<SsoRequestId>,
    (ask, here): (&Ask, Option<String>),
) -> Result<Response, Refused> {
    let (path, kept) = place(call, party, pending, held).await?;
    let return_to = format!("{path}?{TRIED}");
    let opened = call.door.sso.send_to_sign_in(&call.visit, party, ask, here, &return_to).await;
    let opened = opened.map_err(|error| call.ours(&error))?;
    let cookie = call.visit.sign_in_cookie(&opened);
    call.lead(&sso::Visit::sign_in_path(&opened), [kept, cookie])
}

/// The settings of an application that speaks SAML.
pub(crate) fn settings(party: &RelyingParty) -> Result<&SamlParty, Refused> {
    party.saml().ok_or(Refused::UnknownParty)
}
