//! What the door stands on, and one request to it.

use crate::{
    error::Refused,
    flow::Kept,
    message::read::Head,
    metadata::{Signed, refresh::Refresher},
};
use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header, request::Parts};
use outbound::Outbound;
use sso::{RelyingParty, Sso, SsoError, Visit, party::Protocol};
use std::{sync::Arc, time::Duration};
use store::{StoreError, fields, limits::Limit};
use types::{Millis, World};

/// A request's ID counts once for so long: longer than a request is fresh and is kept together.
const ONCE: Limit = Limit { max: 1, window: Duration::from_secs(3600) };

/// What the door stands on: one for all listeners.
pub struct Door {
    pub(crate) sso: Arc<Sso>,
    pub(crate) refresher: Refresher,
    pub(crate) metadata: Signed,
}

impl Door {
    /// A door to `sso`. `outbound` fetches applications' metadata.
    #[must_use]
    pub fn new(sso: &Arc<Sso>, outbound: Outbound) -> Self {
        Self { sso: Arc::clone(sso), refresher: Refresher::new(outbound), metadata: Signed::default() }
    }
}

/// One request, at one tenant.
pub(crate) struct Call {
    pub(crate) door: Arc<Door>,
    pub(crate) visit: Visit,
    /// What we call ourselves there: the address of our metadata.
    pub(crate) entity_id: String,
}

impl Call {
    /// Reads whose host it came to.
    pub(crate) async fn open(door: &Arc<Door>, parts: &Parts) -> Result<Self, Refused> {
        let visit = door.sso.visit(parts).await.map_err(|error| ours(&error))?;
        let visit = visit.ok_or(Refused::UnknownHost)?;
        let entity_id = format!("{}/saml/metadata", visit.issuer);
        Ok(Self { door: Arc::clone(door), visit, entity_id })
    }

    pub(crate) fn world(&self) -> &World {
        self.door.sso.auth().world()
    }

    pub(crate) fn now(&self) -> Millis {
        self.world().now()
    }

    /// The application that calls itself so.
    pub(crate) async fn party(&self, entity_id: &str) -> Result<Arc<RelyingParty>, Refused> {
        let found = self.door.sso.party(self.visit.tenant, Protocol::Saml, entity_id).await;
        found.map_err(|error| self.ours(&error))?.ok_or(Refused::UnknownParty)
    }

    /// Whether a message is from `party`, for this address. One that was signed must say for where: else it could be shown anywhere
    /// (saml-bindings §3.4.5.2, §3.5.5.2).
    pub(crate) fn is_ours(&self, head: &Head, party: &RelyingParty, path: &str, verified: bool) -> Result<(), Refused> {
        if head.issuer != party.key {
            return Err(Refused::UnknownParty);
        }
        let right = format!("{}{path}", self.visit.issuer);
        match &head.destination {
            Some(destination) if *destination != right => Err(Refused::Destination),
            None if verified => Err(Refused::Destination),
            _ => Ok(()),
        }
    }

    /// Counts a message that nobody has signed and that isn't kept: its answer costs a row and a signature, and whoever can name an
    /// application gets it.
    pub(crate) async fn stranger(&self) -> Result<(), Refused> {
        self.door.sso.count_stranger(&self.visit).await.map_err(|error| self.ours(&error))
    }

    /// Spends a message's ID. Of a hundred who show it at once, at whichever node, one comes through.
    pub(crate) async fn once(&self, party: &RelyingParty, id: &str) -> Result<(), Refused> {
        let spent = async {
            let scope = self.door.sso.auth().store().tenant(party.tenant());
            let parts: [&[u8]; 3] = [b"saml-message", party.ikey().as_bytes(), id.as_bytes()];
            let bucket = scope.keys().await?.digest(fields::LIMIT, &parts);
            let mut tx = scope.begin().await?;
            let spent = tx.spend(bucket, ONCE, 1, self.now()).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(spent)
        };
        if spent.await.map_err(|error| self.ours(&error))? { Ok(()) } else { Err(Refused::Replayed) }
    }

    /// Keeps something for this browser; gives where it goes on, and the browser's cookie.
    pub(crate) async fn keep(
        &self,
        party: &RelyingParty,
        kept: &Kept,
    ) -> Result<(String, Option<HeaderValue>), Refused> {
        const DOOR: &str = "/saml/continue/";
        let plain = serde_json::to_vec(kept).map_err(|error| self.ours(&error))?;
        let held = self.door.sso.hold(&self.visit, party, &plain, DOOR, None).await;
        let held = held.map_err(|error| self.ours(&error))?;
        Ok((format!("{DOOR}{}", held.id), held.set_cookie))
    }

    /// Sends the browser on by GET, with cookies.
    pub(crate) fn lead<const N: usize>(
        &self,
        to: &str,
        cookies: [Option<HeaderValue>; N],
    ) -> Result<Response, Refused> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let to = HeaderValue::from_str(to).map_err(|error| self.ours(&error))?;
        response.headers_mut().insert(header::LOCATION, to);
        for cookie in cookies.into_iter().flatten() {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// Takes the session's cookie back.
    pub(crate) fn forget_session(&self, response: &mut Response) {
        let name = self.visit.cookie_name(sso::cookies::SESSION);
        if let Some(cookie) = self.visit.forget(&name) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// A fault of ours, or a limit.
    pub(crate) fn ours(&self, error: &(dyn std::error::Error + 'static)) -> Refused {
        ours(error)
    }
}

/// Counts what became of a message.
pub(crate) fn count(what: &'static str, word: &'static str) {
    metrics::counter!("countersign_saml_messages_total", "what" => what, "end" => word).increment(1);
}

/// A fault of ours, or a limit.
pub(crate) fn ours(error: &(dyn std::error::Error + 'static)) -> Refused {
    if let Some(SsoError::Auth(auth::AuthError::Limited { retry_after })) = error.downcast_ref() {
        return Refused::Limited(*retry_after);
    }
    if let Some(SsoError::Over) = error.downcast_ref() {
        return Refused::Replayed;
    }
    tracing::error!(cause = sso::causes(error), "the engine failed");
    Refused::Ours
}
